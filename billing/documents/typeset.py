"""Text in two scripts on a PDF page: measured, broken into lines, and drawn.

Latin text and all amounts stand in Helvetica, everything else in MSung-Light, which no
file carries: the reader of the document supplies it. Three of its traps are avoided
here: reportlab's Simplified encoding for it, characters that it does not have, and
characters outside the basic plane, one of which would spoil the rest of its line.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import groupby
from typing import Any

from reportlab.pdfbase import _cidfontdata, pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont

LATIN, LATIN_BOLD, CHINESE = "Helvetica", "Helvetica-Bold", "MSung-Light"
ENCODING = "UniCNS-UCS2-H"
BOLD_STROKE = 0.28  # points around a Chinese letter, which has no bold face
REPLACED = str.maketrans(
    {
        "\u2212": "-",  # the minus sign
        "\u2248": "約",  # about
        "\u00a0": " ",
        "\u202f": " ",
        "\uff5e": "~",  # the full-width tilde
        "\u20a9": "KRW",  # won
        "\t": " ",
    }
)
MISSING = "〓"
# A word of Latin text, the spaces after one, or one letter of another script.
PIECE = re.compile(r"[!-~\u00a1-\u024f\u2010-\u2026\u20ac]+| +|.", re.DOTALL)
NAMED = re.compile(r"LATIN (SMALL|CAPITAL) LETTER ([A-Z]) WITH ")


def register_fonts() -> None:
    """Names the Traditional encoding before the font is loaded for the first time."""
    if CHINESE not in pdfmetrics.getRegisteredFontNames():
        _cidfontdata.defaultUnicodeEncodings[CHINESE] = ("cht", ENCODING)
        pdfmetrics.registerFont(UnicodeCIDFont(CHINESE))


def printable(text: str) -> str:
    """The text in letters that the two fonts have."""
    return "".join(_letter(letter) for letter in text.translate(REPLACED))


def width_of(text: str, size: float, *, is_bold: bool = False) -> float:
    """Points that the text takes in a line."""
    register_fonts()
    return float(
        sum(
            pdfmetrics.stringWidth(run, font, size)
            for font, run in _runs(printable(text), is_bold)
        )
    )


def break_lines(
    text: str, size: float, width: float, *, is_bold: bool = False
) -> list[str]:
    """The text in lines of at most that width; a line of its own stays one."""
    lines = []
    for paragraph in text.splitlines() or [""]:
        line = ""
        for piece in PIECE.findall(printable(paragraph)):
            is_full = width_of(line + piece, size, is_bold=is_bold) > width
            if line and is_full and not piece.isspace():
                lines.append(line.rstrip())
                line = ""
            line += piece
        lines.append(line.rstrip())
    return lines


def draw_text(
    canvas: Any,
    x: float,
    y: float,
    text: str,
    *,
    size: float,
    colour: Any,
    is_bold: bool = False,
) -> None:
    """Draws one line whose first letter begins at x, on the base line y."""
    register_fonts()
    canvas.saveState()
    canvas.setStrokeColor(colour)
    canvas.setLineWidth(BOLD_STROKE)
    line = canvas.beginText(x, y)
    line.setFillColor(colour)
    for font, run in _runs(printable(text), is_bold):
        line.setFont(font, size)
        line.setTextRenderMode(2 if is_bold and font == CHINESE else 0)
        line.textOut(run)
    canvas.drawText(line)
    canvas.restoreState()


def _runs(text: str, is_bold: bool) -> list[tuple[str, str]]:  # noqa: FBT001  # private
    latin = LATIN_BOLD if is_bold else LATIN
    return [
        (latin if is_latin else CHINESE, "".join(letters))
        for is_latin, letters in groupby(text, _is_latin)
    ]


@lru_cache(maxsize=4096)
def _is_latin(letter: str) -> bool:
    return _fits(letter, "cp1252")


@lru_cache(maxsize=4096)
def _letter(letter: str) -> str:
    if _is_latin(letter):
        return letter if letter.isprintable() else ""
    if named := NAMED.match(unicodedata.name(letter, "")):  # ł, ő: Central Europe
        case, plain = named.groups()
        return plain if case == "CAPITAL" else plain.lower()
    if ord(letter) > 0xFFFF:
        return MISSING
    return letter


def _fits(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True

"""What can be told of a file before it is read: charset, delimiter, its first rows.

For the person who has to say how a supplier's sheet is to be read. Guesses nothing that
the reader would not.
"""

import codecs
import csv
import io
from dataclasses import dataclass

from calling.decks.record import BadDeck, Hints
from calling.decks.sheet import delimiter_of, text_of
from calling.decks.workbook import is_zip_or_workbook, workbook_as_csv

SHOWN_ROWS = 5
SHOWN_CELLS = 30
SHOWN_TEXT = 60
_MOST_LOOKED_AT = 50  # rows of a workbook
_BEGINNING = 100_000  # bytes
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class Look:
    """A sheet's beginning; `is_odd` where its bytes are not of the charset."""

    charset: str
    delimiter: str
    rows: list[list[str]]
    is_odd: bool


def look_at(raw: bytes, hints: Hints) -> Look | None:
    """None for what is no sheet, such as a ZIP of several."""
    is_workbook = is_zip_or_workbook(raw)
    try:
        if is_workbook:
            raw, hints = workbook_as_csv(raw, hints, most_rows=_MOST_LOOKED_AT)
        text = text_of(raw[:_BEGINNING], hints.charset)
    except BadDeck:
        return None
    lines = text.splitlines(keepends=True)
    if len(raw) > _BEGINNING:
        lines = lines[:-1]  # cut in its middle, perhaps in the middle of a letter
    delimiter = hints.delimiter or delimiter_of(lines)
    return Look(
        "xlsx"
        if is_workbook
        else hints.charset
        or ("utf-16" if raw[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8"),
        delimiter,
        _rows(lines, delimiter),
        any("\ud800" <= letter <= "\udfff" for line in lines for letter in line),
    )


def _rows(lines: list[str], delimiter: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO("".join(lines), newline=""), delimiter=delimiter)
    rows: list[list[str]] = []
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append([_shown(cell) for cell in row[:SHOWN_CELLS]])
            if len(rows) == SHOWN_ROWS:
                break
    except csv.Error:
        pass  # the reader says what is wrong; here the rows before it are enough
    return rows


def _shown(cell: str) -> str:
    cut = cell.strip()[:SHOWN_TEXT]
    return cut.encode("utf-8", "replace").decode("utf-8")

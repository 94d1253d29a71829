"""Reads a comma, semicolon or tab separated sheet: header, then rows by column name.

Bytes that are no UTF-8 spoil their own row alone. A file in UTF-16 is told by its mark;
any other encoding cannot be told from its bytes, so such rows are refused, not guessed.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from calling.decks.record import BadDeck, DeckError

LONGEST_CELL = 10_000
_NOT_UTF8 = re.compile(r"[\ud800-\udfff]")


class SheetRow(NamedTuple):
    line: int
    cells: dict[str, str]
    body: str


def read_sheet(
    raw: bytes, required: Sequence[str]
) -> tuple[list[str], Iterator[SheetRow | DeckError]]:
    """The columns' names and the rows; raises BadDeck when a column is missing."""
    lines = list(io.StringIO(_text(raw), newline=""))
    header = next((line for line in lines if line.strip()), "")
    reader = csv.reader(lines, delimiter=_delimiter(header))
    names = _header(reader)
    missing = [name for name in required if name not in names]
    if missing:
        raise BadDeck(f"The column {missing[0]} is missing from the header.")
    return names, _rows(reader, names, lines)


def _text(raw: bytes) -> str:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return raw.decode("utf-16")
        except UnicodeDecodeError:
            raise BadDeck("The file says it is UTF-16 and is not.") from None
    return raw.decode("utf-8-sig", "surrogateescape")


def _delimiter(header: str) -> str:
    return max(",;\t", key=header.count)


def _header(reader: Iterator[list[str]]) -> list[str]:
    try:
        first = next((row for row in reader if any(cell.strip() for cell in row)), [])
    except csv.Error as problem:
        raise BadDeck(f"The header cannot be read: {problem}.") from None
    names = [cell.strip().lower() for cell in first]
    twice = {name for name in names if name and names.count(name) > 1}
    if not names:
        raise BadDeck("The file is empty.")
    if twice:
        raise BadDeck(f"The column {min(twice)} is in the header twice.")
    return names


def _rows(
    reader: Iterator[list[str]], names: Sequence[str], lines: Sequence[str]
) -> Iterator[SheetRow | DeckError]:
    while True:
        before = reader.line_num  # type: ignore[attr-defined]  # csv's reader has it
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            row = []
        after = reader.line_num  # type: ignore[attr-defined]
        body = "".join(lines[before:after]).rstrip("\r\n")
        problem = _problem(row, names, body)
        if not body.strip() or (row and not any(cell.strip() for cell in row)):
            continue
        if problem:
            yield DeckError(before + 1, problem, _shown(body))
        else:
            yield SheetRow(before + 1, _cells(names, row), body)


def _cells(names: Sequence[str], row: Sequence[str]) -> dict[str, str]:
    # Some exporters end each row in a stray delimiter, some leave out empty cells.
    padded = [*row, *[""] * (len(names) - len(row))]
    cells = zip(names, padded, strict=False)
    return {name: cell.strip() for name, cell in cells if name}


def _problem(row: Sequence[str], names: Sequence[str], body: str) -> str:
    if not row or any(len(cell) > LONGEST_CELL for cell in row):
        return f"A cell is longer than {LONGEST_CELL:,} characters."
    if _NOT_UTF8.search(body):
        return "The row is not UTF-8; save the file as UTF-8."
    if "\x00" in body:
        return "The row has a zero character in it."
    if any(cell.strip() for cell in row[len(names) :]):
        return f"The row has {len(row)} cells and the header has {len(names)}."
    formula = next((cell for cell in row if cell.lstrip()[:1] in {"=", "@"}), None)
    if formula is not None:
        return f"The cell {formula.strip()[:30]} is a spreadsheet formula."
    return ""


def _shown(body: str) -> str:
    readable = body[:2000].encode("utf-8", "backslashreplace").decode()
    return readable.replace("\x00", "\\x00")

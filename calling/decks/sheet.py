"""Reads a sheet, separated or of a workbook: header, then rows by column name.

Bytes that are not of the charset spoil their own row alone. A file in UTF-16 is told by
its mark, and anything else is read as UTF-8 unless the supplier's hints name another
charset: that cannot be told from bytes, so such rows are refused, not guessed.
"""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from calling.decks.record import NO_HINTS, BadCell, BadDeck, DeckError, DeckRow, Hints
from calling.decks.workbook import is_zip_or_workbook, workbook_as_csv

LONGEST_CELL = 10_000
CHARSETS = ("utf-8", "utf-16", "gb18030", "big5", "shift_jis", "cp1252", "iso8859-15")
DELIMITERS = ",;\t"
_NOT_TEXT = re.compile(r"[\ud800-\udfff]")


class SheetRow(NamedTuple):
    line: int
    cells: dict[str, str]
    body: str


def read_sheet(
    raw: bytes,
    required: Sequence[str],
    *,
    hints: Hints = NO_HINTS,
    delimiters: str = DELIMITERS,
    comment: str = "",
    names: Sequence[str] = (),
) -> tuple[list[str], Iterator[SheetRow | DeckError]]:
    """The columns' names and the rows; raises BadDeck when a column is missing.

    Lines that begin with `comment` are skipped. `names` stand for the header of a sheet
    whose first line has none of them.
    """
    if is_zip_or_workbook(raw):
        raw, hints = workbook_as_csv(raw, hints)
    lines = list(io.StringIO(text_of(raw, hints.charset), newline=""))
    if comment:
        lines = ["\n" if line.startswith(comment) else line for line in lines]
    delimiter = hints.delimiter or delimiter_of(lines, delimiters)
    reader = csv.reader(lines, delimiter=delimiter)
    found = _header(reader)
    if names and not set(found) & set(required):
        # There is no header: the first line is a row like the others.
        found, reader = list(names), csv.reader(lines, delimiter=delimiter)
    _check(found, required)
    return found, _rows(reader, found, lines)


def rates_of(
    rows: Iterable[SheetRow | DeckError], read: Callable[[SheetRow], Iterable[DeckRow]]
) -> Iterator[DeckRow]:
    """What each row stands for; one that cannot be understood is an error, alone."""
    for row in rows:
        if isinstance(row, DeckError):
            yield row
            continue
        try:
            yield from list(read(row))
        except BadCell as problem:
            yield DeckError(row.line, str(problem), row.body[:2000])


def delimiter_of(lines: Iterable[str], delimiters: str = DELIMITERS) -> str:
    """What separates the cells of the first line that has any."""
    header = next((line for line in lines if line.strip()), "")
    return max(delimiters, key=header.count)


def text_of(raw: bytes, charset: str) -> str:
    """The file's text; bytes that are none of it are marked, to spoil their row."""
    marked = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if marked or charset == "utf-16":
        try:
            return raw.decode("utf-16")
        except UnicodeDecodeError:
            raise BadDeck("The file says it is UTF-16 and is not.") from None
    if not charset or charset == "utf-8" or raw.startswith(codecs.BOM_UTF8):
        return raw.decode("utf-8-sig", "surrogateescape")
    # Only UTF-8 can keep odd bytes apart; elsewhere they become a mark of their own.
    return raw.decode(charset, "replace").replace("\ufffd", "\udcff")


def _header(reader: Iterator[list[str]]) -> list[str]:
    try:
        first = next((row for row in reader if any(cell.strip() for cell in row)), [])
    except csv.Error as problem:
        raise BadDeck(f"The header cannot be read: {problem}.") from None
    names = [cell.strip().lower() for cell in first]
    if not names:
        raise BadDeck("The file is empty.")
    return names


def _check(names: Sequence[str], required: Sequence[str]) -> None:
    twice = {name for name in names if name and names.count(name) > 1}
    if twice:
        raise BadDeck(f"The column {min(twice)} is in the header twice.")
    missing = [name for name in required if name not in names]
    if missing:
        raise BadDeck(f"The column {missing[0]} is missing from the header.")


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
    if _NOT_TEXT.search(body):
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

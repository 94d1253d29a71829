"""Reads a sheet, separated or of a workbook: header, then rows by column name.

Bytes that are not of the charset spoil their own row alone. A file in UTF-16 is told by
its mark, and anything else is read as UTF-8 unless the supplier's hints name another
charset: that cannot be told from bytes, so such rows are refused, not guessed. Rows are
read as they are asked for; of the text no more is held than the row in hand.
"""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from calling.decks.record import NO_HINTS, BadCell, BadDeck, DeckError, DeckRow, Hints
from calling.decks.workbook import is_zip_or_workbook, workbook_lines

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
        is_csv = replace(hints, charset="utf-8", delimiter=",")
        lines, hints = partial(workbook_lines, raw, hints), is_csv
    else:
        lines = partial(text_lines, raw, hints.charset)
    if comment:
        lines = partial(_without_comments, lines, comment)
    delimiter = hints.delimiter or delimiter_of(lines(), delimiters)
    taken = _Taken(lines())
    reader = csv.reader(taken, delimiter=delimiter)
    found = _header(reader)
    if names and not set(found) & set(required):
        # There is no header: the first line is a row like the others.
        found, taken = list(names), _Taken(lines())
        reader = csv.reader(taken, delimiter=delimiter)
    _check(found, required)
    return found, _rows(reader, found, taken)


class _Taken:
    """Lines on their way to the CSV reader; remembers those of the row in hand."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.lines = lines
        self.row: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self.lines)
        self.row.append(line)
        return line


def _without_comments(
    lines: Callable[[], Iterator[str]], comment: str
) -> Iterator[str]:
    """Their places stay, so that the other lines keep their numbers."""
    for line in lines():
        yield "\n" if line.startswith(comment) else line


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
    return "".join(text_lines(raw, charset))


def text_lines(raw: bytes, charset: str) -> Iterator[str]:
    """The same, line by line; raises BadDeck for what says it is UTF-16 and is not."""
    encoding, errors = _decoding(raw, charset)
    text = io.TextIOWrapper(io.BytesIO(raw), encoding, errors, newline="")
    try:
        for line in text:
            # Only UTF-8 can keep odd bytes apart; elsewhere they become a mark.
            yield line.replace("\ufffd", "\udcff") if errors == "replace" else line
    except UnicodeDecodeError:
        raise BadDeck("The file says it is UTF-16 and is not.") from None


def _decoding(raw: bytes, charset: str) -> tuple[str, str]:
    """Encoding, and what becomes of bytes that are none of it."""
    marked = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if marked or charset == "utf-16":
        return "utf-16", "strict"
    if not charset or charset == "utf-8" or raw.startswith(codecs.BOM_UTF8):
        return "utf-8-sig", "surrogateescape"
    return charset, "replace"


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
    reader: Iterator[list[str]], names: Sequence[str], taken: _Taken
) -> Iterator[SheetRow | DeckError]:
    while True:
        before = reader.line_num  # type: ignore[attr-defined]  # csv's reader has it
        taken.row.clear()
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            row = []
        body = "".join(taken.row).rstrip("\r\n")
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

"""Reads a file with a header: each row's cells by the names we know the columns by.

The body kept of a row is the header and the row, so that it can be read again alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from calling.formats.columns import ColumnProfile
from calling.formats.documents import clean_text
from calling.formats.record import RowError
from calling.formats.rows import CsvRow, read_rows


class SheetRow(NamedTuple):
    line: int
    cells: dict[str, str]
    body: str


class Header(NamedTuple):
    """The columns by our names, and the line they were read from."""

    names: Sequence[str]
    text: str

    def problem(self, required: Sequence[str]) -> str:
        twice = {name for name in self.names if name and self.names.count(name) > 1}
        if twice:
            return f"The column {min(twice)} is in the header twice."
        missing = [name for name in required if name not in self.names]
        return f"The column {missing[0]} is missing from the header." if missing else ""


def open_sheet(
    pieces: Iterable[bytes], profile: ColumnProfile
) -> tuple[Header | RowError, Iterator[CsvRow | RowError]]:
    """The header and the rows after it, which `read_sheet` turns into cells."""
    rows = read_rows(pieces, profile)
    if profile.header:
        return Header([profile.name_of(name) for name in profile.header], ""), rows
    first = next(rows, None)
    if first is None:
        return RowError(1, "The file is empty.", ""), rows
    if isinstance(first, RowError):
        return first, rows
    return Header([profile.name_of(name) for name in first.cells], first.body), rows


def read_sheet(
    header: Header | RowError,
    rows: Iterable[CsvRow | RowError],
    required: Sequence[str],
) -> Iterator[SheetRow | RowError]:
    """Nothing but one error when the header lacks a column that is required."""
    if isinstance(header, RowError):
        yield header
        return
    problem = header.problem(required)
    if problem:
        yield RowError(1, problem, clean_text(header.text))
        return
    for row in rows:
        yield row if isinstance(row, RowError) else _cells(header, row)


def _cells(header: Header, row: CsvRow) -> SheetRow | RowError:
    names, cells = header.names, row.cells
    if len(cells) < len(names) or any(cell.strip() for cell in cells[len(names) :]):
        reason = (
            f"The row has {len(cells)} cells and the header has {len(names)}; "
            "it may be cut off."
        )
        return RowError(row.line, reason, clean_text(row.body))
    found = {
        name: cell.strip()
        for name, cell in zip(names, cells, strict=False)
        if name and cell and not cell.isspace()
    }
    body = f"{header.text}\n{row.body}" if header.text else row.body
    return SheetRow(row.line, found, body)

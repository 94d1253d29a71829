"""Generic CSV: our own words as the header, one call to a row (docs/switches).

Pure. The source's column profile renames columns, gives a header to files without one,
and says charset and decimal comma; times without a zone are the source's. An empty
`answered_at` is an unanswered call.
"""

from calling.formats import generic
from calling.formats.documents import Row, Rows
from calling.formats.fields import seconds_of
from calling.formats.local_times import Span, local_time, place
from calling.formats.pieces import Raw, pieces_of
from calling.formats.record import (
    DIRECTIONS,
    BadRow,
    CallRecordIn,
    Profile,
    RowError,
)
from calling.formats.sheet import SheetRow, open_sheet, read_sheet

REQUIRED = ("source_record_id", "direction", "answered_at", "ended_at")
_TIMES = ("invited_at", "answered_at", "ended_at")
_DECIMALS = ("billable_s", "duration_s", "supplier_charge", "supplier_fee")


def parse(raw: Raw, profile: Profile) -> Rows:
    header, rows = open_sheet(pieces_of(raw), profile.columns)
    for row in read_sheet(header, rows, REQUIRED):
        yield row if isinstance(row, RowError) else _row(row, profile)


def _row(row: SheetRow, profile: Profile) -> Row:
    try:
        record = _record(row, profile)
    except BadRow as problem:
        return RowError(row.line, str(problem), row.body[:2000])
    record.line = row.line
    return record


def _record(row: SheetRow, profile: Profile) -> CallRecordIn:
    cells: dict[str, str | None] = dict(row.cells)
    direction = cells.get("direction") or ""
    if direction not in DIRECTIONS:
        cells["direction"] = profile.direction_of(direction)
    if profile.columns.decimal_comma:
        for name in _DECIMALS:
            cells[name] = (cells.get(name) or "").replace(",", ".") or None
    is_estimated = _place_times(cells, profile)
    record = generic.read(cells, row.body, profile)
    if is_estimated:
        record.flags = f"{record.flags} estimated".strip()
    return record


def _place_times(cells: dict[str, str | None], profile: Profile) -> bool:
    """Gives the times their zone; whether a clock change left one of them open."""
    times = [local_time(name, cells.get(name) or "") for name in _TIMES]
    seconds = [seconds_of(cells, name) for name in ("duration_s", "billable_s")]
    spans = (Span(0, 2, seconds[0]), Span(1, 2, seconds[1]))
    placed = place(times, profile.zone, spans)
    for name, time in zip(_TIMES, placed.times, strict=True):
        cells[name] = None if time is None else time.isoformat()
    return placed.is_estimated

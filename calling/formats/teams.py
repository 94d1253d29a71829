"""The Teams admin centre's usage export: a ZIP, or one of the CSV files in it.

Pure. PSTN and Direct Routing files are told apart by their headers; the order of
columns does not matter, further ones are ignored, and other languages' headers are
named in the source's column profile.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TypeAlias

from calling.formats.documents import Row, Rows, clean_text
from calling.formats.export_zip import open_members
from calling.formats.microsoft import read_direct_routing, read_pstn, read_time
from calling.formats.pieces import Raw, pieces_of
from calling.formats.record import BadRow, CallRecordIn, Profile, RowError
from calling.formats.rows import CsvRow
from calling.formats.sheet import Header, SheetRow, open_sheet, read_sheet
from calling.sent_zip import SIGNATURE

PSTN = ("usageid", "call type", "start time", "end time", "duration seconds")
DIRECT_ROUTING = (
    *("correlationid", "call type", "success", "start time", "end time"),
    *("caller number", "callee number"),
)
OTHER_NAMES = {
    "sip address": "upn",
    "start time (utc)": "start time",
    "end time (utc)": "end time",
    "invite time (utc)": "invite time",
    "failure time (utc)": "failure time",
}
Read: TypeAlias = Callable[[SheetRow, Profile], CallRecordIn]
_ANSWERED = {"yes": True, "true": True, "no": False, "false": False}


def parse(raw: Raw, profile: Profile) -> Rows:
    """The export as it is downloaded, or a file out of it."""
    pieces = pieces_of(raw)
    first = b""
    while len(first) < len(SIGNATURE) and (piece := next(pieces, None)) is not None:
        first += piece
    pieces = chain([first], pieces)
    if not first.startswith(SIGNATURE):
        yield from _parse_csv(pieces, profile)
        return
    for name, member in open_members(pieces):
        if isinstance(member, RowError):
            yield member
        else:
            yield from _named(name, _parse_csv(member, profile))


def parse_direct_routing(raw: Raw, profile: Profile) -> Rows:
    """A Direct Routing file alone."""
    header, rows = _open(pieces_of(raw), profile)
    return _parse_direct_routing(header, rows, profile)


def _named(member: str, rows: Rows) -> Rows:
    """The rows of a file in the ZIP; an error says of which."""
    for row in rows:
        if isinstance(row, RowError):
            yield row._replace(reason=f"{member}: {row.reason}")
        else:
            yield row


def _open(
    pieces: Iterable[bytes], profile: Profile
) -> tuple[Header | RowError, Iterator[CsvRow | RowError]]:
    header, rows = open_sheet(pieces, profile.columns)
    if isinstance(header, RowError):
        return header, rows
    names = [OTHER_NAMES.get(name, name) for name in header.names]
    return header._replace(names=names), rows


def _parse_csv(pieces: Iterable[bytes], profile: Profile) -> Rows:
    header, rows = _open(pieces, profile)
    if isinstance(header, Header) and "correlationid" in header.names:
        return _parse_direct_routing(header, rows, profile)
    return _parse_pstn(header, rows, profile)


def _parse_pstn(
    header: Header | RowError, rows: Iterable[CsvRow | RowError], profile: Profile
) -> Rows:
    for row in read_sheet(header, rows, PSTN):
        yield row if isinstance(row, RowError) else _row(row, _read_pstn, profile)


def _parse_direct_routing(
    header: Header | RowError, rows: Iterable[CsvRow | RowError], profile: Profile
) -> Rows:
    for row in read_sheet(header, rows, DIRECT_ROUTING):
        yield row if isinstance(row, RowError) else _row(row, _read_routing, profile)


def _row(row: SheetRow, read: Read, profile: Profile) -> Row:
    try:
        record = read(row, profile)
    except BadRow as problem:
        return RowError(row.line, str(problem), clean_text(row.body))
    record.line = row.line
    return record


def _read_pstn(row: SheetRow, profile: Profile) -> CallRecordIn:
    return read_pstn(row.cells, row.body, profile)


def _read_routing(row: SheetRow, profile: Profile) -> CallRecordIn:
    cells = dict(row.cells)
    answered = _ANSWERED.get(cells.get("success", "").lower())
    if answered is None:
        raise BadRow("success must be Yes or No.")
    cells["id"] = _identity(cells)
    return read_direct_routing(cells, row.body, profile, answered=answered)


def _identity(cells: dict[str, str]) -> str:
    """The export gives its rows no id, and one correlation has several rows."""
    if not cells.get("correlationid"):
        raise BadRow("correlationid is missing.")
    start = read_time(cells, "start time") or read_time(cells, "invite time")
    at = start.strftime("%Y-%m-%dT%H:%M:%SZ") if start else ""
    names = ("correlationid", "callee number", "call type")
    correlation, callee, said = (cells.get(name, "") for name in names)
    return f"{correlation} {at} {callee} {said}"

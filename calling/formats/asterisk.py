"""Asterisk's cdr_csv: Master.csv, sixteen to twenty-one columns and no header.

Pure. Times are local to the source's zone unless it says UTC; the seconds counted and
the epoch in `uniqueid` place them in an hour that a clock change repeats. A last line
without its end is still being written and is left for the next reading.
"""

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import pairwise

from calling.formats.documents import Row, Rows, clean_text
from calling.formats.ends import Ends, read_ends
from calling.formats.fields import required_text, seconds_of, text_of
from calling.formats.local_times import Placed, Span, local_time, place
from calling.formats.pieces import Raw, pieces_of
from calling.formats.record import BadRow, CallRecordIn, Profile, RowError
from calling.formats.rows import CsvRow, read_rows

COLUMNS = (
    *("accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel"),
    *("lastapp", "lastdata", "start", "answer", "end", "duration", "billsec"),
    *("disposition", "amaflags"),
)
NEW_COLUMNS = ("peeraccount", "linkedid", "sequence")
CONTEXTS = {
    "outbound": "outbound",
    "from-internal": "outbound",
    "internal": "outbound",
    "inbound": "inbound",
    "from-trunk": "inbound",
    "from-pstn": "inbound",
}
_UNIQUE_ID = re.compile(r"(?:.*-)?(\d{9,11})\.\d+$")
_ENDPOINT = re.compile(r"\w+/(.+)-[0-9a-f]{6,}(?:;\d)?$")
_REMEMBERED = 10_000  # rows
_LONGEST_LINE = 1_000_000  # bytes


def parse(raw: Raw, profile: Profile) -> Rows:
    repeats = _Repeats()
    for row in read_rows(_finished(pieces_of(raw)), profile.columns, ","):
        if isinstance(row, RowError):
            yield row
        elif row.cells[0].lower() != "accountcode":
            yield _row(row, repeats, profile)


def _finished(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """All but a last line that is not ended yet."""
    rest = b""
    for piece in pieces:
        lines, end, rest = (rest + piece).rpartition(b"\n")
        yield lines + end
        if len(rest) > _LONGEST_LINE:
            yield rest  # no line at all: whoever reads rows will say so
            rest = b""


def _row(row: CsvRow, repeats: "_Repeats", profile: Profile) -> Row:
    try:
        cells = _named(row.cells, profile)
        record = _record(cells, row, repeats, profile)
    except BadRow as problem:
        return RowError(row.line, str(problem), clean_text(row.body))
    record.line = row.line
    return record


def _named(cells: Sequence[str], profile: Profile) -> Mapping[str, str]:
    names = (*COLUMNS, *_extras(cells, profile))
    if len(names) != len(cells):
        raise BadRow(
            f"The row has {len(cells)} columns; an Asterisk writes {len(names)} here."
        )
    return dict(zip(names, (cell.strip() for cell in cells), strict=True))


def _extras(cells: Sequence[str], profile: Profile) -> tuple[str, ...]:
    """Which optional columns a row has: as the source says, else by its width.

    One extra column is `uniqueid` or `userfield`; its look tells, nothing else has it.
    """
    if profile.columns.extra_columns is not None:
        return profile.columns.extra_columns
    extra = len(cells) - len(COLUMNS)
    new = NEW_COLUMNS if extra >= len(NEW_COLUMNS) else ()
    named = extra - len(new)
    if named == 2:
        return ("uniqueid", "userfield", *new)
    if named == 1:
        is_id = _UNIQUE_ID.match(cells[len(COLUMNS)].strip())
        return ("uniqueid" if is_id else "userfield", *new)
    return new


def _record(
    cells: Mapping[str, str], row: CsvRow, repeats: "_Repeats", profile: Profile
) -> CallRecordIn:
    direction = profile.direction_of(cells["dcontext"], known=CONTEXTS)
    outbound = direction != "inbound"
    caller_raw = text_of(cells, "src", 128)
    callee_raw = required_text(cells, "dst", 128)
    ends = read_ends(caller_raw, callee_raw, direction, profile)
    placed = _placed(cells, profile)
    invited_at, answered_at, ended_at = placed.times
    if ended_at is None:
        raise BadRow("end is missing.")
    if cells["disposition"].upper() != "ANSWERED":
        answered_at = None
    near, far = _endpoint(cells["channel"]), _endpoint(cells["dstchannel"])
    trunk = far if outbound else near
    return CallRecordIn(
        source_record_id=_identity(cells, row, repeats),
        direction=direction,
        caller=ends.caller,
        callee=ends.callee,
        caller_raw=caller_raw,
        callee_raw=callee_raw,
        invited_at=invited_at,
        answered_at=answered_at,
        ended_at=ended_at,
        billable_seconds=_billable(cells, answered_at),
        body=row.body,
        call_id=text_of(cells, "linkedid", 200) or text_of(cells, "uniqueid", 200),
        account_code=text_of(cells, "accountcode", 100),
        # An extension is a desk phone; a trunk has a name.
        trunk="" if trunk.isdecimal() else trunk[:100],
        user=(near if outbound else far)[:150],
        kind=ends.kind or ("on_net" if _is_internal(cells, direction, ends) else ""),
        flags=_flags(ends, placed),
    )


def _endpoint(channel: str) -> str:
    found = _ENDPOINT.match(channel)
    return found[1] if found else ""


def _is_internal(cells: Mapping[str, str], direction: str, ends: Ends) -> bool:
    """A call out that reached no trunk: a menu, a voicemail box, another extension.

    A call that came in used the trunk it came by, wherever it was answered.
    """
    if direction != "outbound" or cells["disposition"].upper() != "ANSWERED":
        return False
    far = cells["dstchannel"]
    return not far or (ends.callee is None and _endpoint(far) == cells["dst"])


def _placed(cells: Mapping[str, str], profile: Profile) -> Placed:
    unique = _UNIQUE_ID.match(cells.get("uniqueid", ""))
    times = [local_time(name, cells[name]) for name in ("start", "answer", "end")]
    counted = {name: cells[name] or None for name in ("duration", "billsec")}
    spans = (
        Span(0, 2, seconds_of(counted, "duration")),
        Span(1, 2, seconds_of(counted, "billsec")),
    )
    began = datetime.fromtimestamp(int(unique[1]), UTC) if unique else None
    return place(times, profile.zone, spans, near=began)


def _billable(cells: Mapping[str, str], answered_at: datetime | None) -> int:
    seconds = seconds_of({"billsec": cells["billsec"] or None}, "billsec")
    if seconds is None:
        raise BadRow("billsec is missing.")
    answered = cells["disposition"].upper() == "ANSWERED"
    if answered and answered_at is None and seconds:
        raise BadRow("answer is empty although billsec is not 0.")
    return seconds if answered_at is not None else 0


def _flags(ends: Ends, placed: Placed) -> str:
    known = [time for time in placed.times if time is not None]
    flags = [
        ends.flags,
        "estimated" if placed.is_estimated else "",
        "clock_skew" if any(one > two for one, two in pairwise(known)) else "",
    ]
    return " ".join(flag for flag in flags if flag)


def _identity(cells: Mapping[str, str], row: CsvRow, repeats: "_Repeats") -> str:
    """`uniqueid` and `sequence`: one id alone may stand on several rows of a call.

    Without them the row itself, so that a file that has grown tells nothing twice.
    """
    unique, sequence = cells.get("uniqueid", ""), cells.get("sequence", "")
    if unique and sequence:
        return text_of({"uniqueid": f"{unique}#{sequence}"}, "uniqueid", 200)
    digest = blake2b("\x1f".join(row.cells).encode(), digest_size=12).hexdigest()
    if unique:
        return text_of({"uniqueid": f"{unique}-{digest}"}, "uniqueid", 200)
    return f"{digest}-{repeats.count(digest)}"


class _Repeats:
    """How often an equal row has come lately; rows that are equal stand close."""

    def __init__(self) -> None:
        self.counts: OrderedDict[str, int] = OrderedDict()

    def count(self, digest: str) -> int:
        found = self.counts.pop(digest, 0) + 1
        self.counts[digest] = found
        if len(self.counts) > _REMEMBERED:
            self.counts.popitem(last=False)
        return found

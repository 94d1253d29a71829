"""Microsoft's calls, whether Graph or the admin centre's export tells them.

Pure. Both feeds come here under the same names, since the same call read from both must
be one record with one digest (rule 6.7): ids and users in lower case, times to the
second, seconds as Microsoft counted them.
"""

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from calling.call_words import word_of
from calling.formats.ends import read_ends
from calling.formats.fields import (
    EARLIEST,
    LATEST,
    required_text,
    seconds_between,
    seconds_of,
    text_of,
)
from calling.formats.record import BadRow, CallRecordIn, Fields, Profile

_TIME = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)?$")
_NONE = "0001-01-01"  # how Graph writes that there is no time
FREE_CALL = "FREECALL"


def read_pstn(fields: Fields, body: str, profile: Profile) -> CallRecordIn:
    """A call over Microsoft's own lines, under the names of the export's columns."""
    said = required_text(fields, "call type", 50)
    direction = word_of(said).direction
    caller_raw, callee_raw = _pstn_ends(fields, direction)
    ends = read_ends(caller_raw, callee_raw, direction, profile)
    start, end = _required_time(fields, "start time"), read_time(fields, "end time")
    seconds, flag = _pstn_seconds(fields, start, end)
    capability = text_of(fields, "capability", 50)
    answered = seconds > 0 or _is_charged(fields)
    return CallRecordIn(
        source_record_id=required_text(fields, "usageid", 200).strip().lower(),
        direction=direction,
        caller=ends.caller,
        callee=ends.callee,
        caller_raw=caller_raw,
        callee_raw=callee_raw,
        invited_at=None if answered else start,
        answered_at=start if answered else None,
        ended_at=end or start,
        billable_seconds=seconds,
        body=body,
        call_id=text_of(fields, "call id", 200),
        user=text_of(fields, "upn", 150).lower(),
        call_type=said,
        kind=ends.kind,
        conference_id=text_of(fields, "conference id", 100),
        flags=" ".join(f"{ends.flags} {flag} {_given_away(capability)}".split()),
        is_free=capability == FREE_CALL,
        is_covered=_is_covered(capability, profile),
        ends_unsure=direction == "inbound",
    )


def _given_away(capability: str) -> str:
    return "supplier_free" if capability == FREE_CALL else ""


def _pstn_ends(fields: Fields, direction: str) -> tuple[str, str]:
    """Caller and callee. "Caller ID" is the number that was dialled, of a call out, or
    the one that received, of a call in; so the destination goes first."""
    first = text_of(fields, "caller id", 128).strip()
    destination = text_of(fields, "destination number", 128).strip()
    if direction == "inbound":
        return first, destination or first
    dialled = destination or first
    return "" if first == dialled else first, dialled


def _pstn_seconds(
    fields: Fields, start: datetime, end: datetime | None
) -> tuple[int, str]:
    counted = seconds_of(fields, "duration seconds")
    if end is None and counted is None:
        raise BadRow("end time and duration are both missing.")
    # Graph writes fractions and the export does not: whole seconds here as there.
    passed = _whole_seconds(start, end) if end is not None else counted or 0
    if counted is not None and (passed < 0 or abs(passed - counted) <= 1):
        return counted, "clock_skew" if passed < 0 else ""
    if passed < 0:
        raise BadRow("end time is before start time, and no seconds are given.")
    return passed, "" if counted is None else "estimated"


def _whole_seconds(start: datetime, end: datetime) -> int:
    return seconds_between(start.replace(microsecond=0), end.replace(microsecond=0))


def _is_charged(fields: Fields) -> bool:
    """Whether Microsoft took money; then somebody answered, however briefly."""
    told = (str(fields.get(name) or 0) for name in ("charge", "connection fee"))
    return any(_amount(text) for text in told)


def _amount(text: str) -> Decimal:
    try:
        return Decimal(text.replace(",", "."))
    except InvalidOperation:
        return Decimal()


def _is_covered(capability: str, profile: Profile) -> bool:
    return bool(capability) and capability not in profile.columns.credit_capabilities


def read_direct_routing(
    fields: Fields, body: str, profile: Profile, *, answered: bool
) -> CallRecordIn:
    """A call over the provider's own trunk, under the names of the export's columns.

    Seconds are end minus start: the export's own count begins with the invitation.
    """
    said = required_text(fields, "call type", 50)
    direction = word_of(said).direction
    caller_raw = text_of(fields, "caller number", 128).strip()
    callee_raw = text_of(fields, "callee number", 128).strip()
    ends = read_ends(caller_raw, callee_raw, direction, profile)
    invited, start = read_time(fields, "invite time"), read_time(fields, "start time")
    ended = (
        read_time(fields, "end time") or read_time(fields, "failure time") or invited
    )
    if ended is None or (answered and start is None):
        name = "start time" if ended else "end time"
        raise BadRow(f"{name} is missing.")
    seconds = seconds_between(start, ended) if answered and start else 0
    if seconds < 0:
        raise BadRow("end time is before start time.")
    return CallRecordIn(
        source_record_id=required_text(fields, "id", 200).lower(),
        direction=direction,
        caller=ends.caller,
        callee=ends.callee,
        caller_raw=caller_raw,
        callee_raw=callee_raw,
        invited_at=invited,
        answered_at=start if answered else None,
        ended_at=ended,
        billable_seconds=seconds,
        body=body,
        call_id=text_of(fields, "shared correlation id", 200)
        or text_of(fields, "correlationid", 200),
        trunk=text_of(fields, "sbc fqdn", 100),
        user=text_of(fields, "upn", 150).lower(),
        call_type=said,
        kind=ends.kind,
        flags=ends.flags,
    )


def _required_time(fields: Fields, name: str) -> datetime:
    found = read_time(fields, name)
    if found is None:
        raise BadRow(f"{name} is missing.")
    return found


def read_time(fields: Fields, name: str) -> datetime | None:
    """A time in UTC; of Graph's seven digits behind the second six are kept."""
    text = text_of(fields, name, 50).strip()
    if not text or text.startswith(_NONE):
        return None
    parts = _TIME.match(text)
    if parts is None:
        raise BadRow(f"{name} is not a time such as 2026-11-22T02:00:06Z.")
    try:
        zone = (parts[3] or "Z").replace("Z", "+00:00")
        found = datetime.fromisoformat(f"{parts[1]}{(parts[2] or '')[:7]}{zone}")
    except ValueError:
        raise BadRow(f"{name} is not a time such as 2026-11-22T02:00:06Z.") from None
    if not EARLIEST < found.year < LATEST:
        raise BadRow(f"{name} is not a plausible time.")
    return found.astimezone(UTC)

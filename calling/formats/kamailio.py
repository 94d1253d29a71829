"""Kamailio: acc_json's transactions, its call records, and the dialog events.

Pure. A transaction is half a call: the INVITE that was answered and the BYE that ended
it become one record by call id and both tags, in either order and whoever hung up; a
half alone waits. An `answered` event bills nothing, an `ended` one does.
"""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from calling.formats.documents import Rows, parse_documents, refuse_constant
from calling.formats.ends import read_ends
from calling.formats.fields import (
    EARLIEST,
    LATEST,
    required_text,
    seconds_between,
    seconds_of,
    text_of,
)
from calling.formats.halves import HALF_RECORD, Halves
from calling.formats.local_times import Span, local_time, place
from calling.formats.pieces import Raw, pieces_of
from calling.formats.record import BadRow, CallRecordIn, Fields, Profile

DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=refuse_constant)
# What the words are called differs between versions and settings; a source may add its
# own in its column profile.
OTHER_NAMES = {
    "callid": "call_id",
    "call-id": "call_id",
    "fromtag": "from_tag",
    "totag": "to_tag",
    "code": "sip_code",
    "sipcode": "sip_code",
    "src_user": "from",
    "from_user": "from",
    "caller": "from",
    "dst_user": "to",
    "to_user": "to",
    "callee": "to",
    "source_ip": "src_ip",
    "auth": "authorization_id",
    "accountcode": "account_code",
    "time_attr": "time",
}
_CHALLENGES = frozenset({401, 407})
_ANSWERED, _FAILED = 200, 300
LONGEST_KEY = 200
LONGEST_CALL_ID = 1_000
_EPOCH = re.compile(r"[0-9]{1,10}(\.[0-9]{1,9})?")


def parse(raw: Raw, profile: Profile) -> Rows:
    halves = Halves()
    for row in parse_documents(pieces_of(raw), DECODER, read, profile):
        if isinstance(row, CallRecordIn) and row.waits == HALF_RECORD:
            yield from halves.take(row)
        else:
            yield row
    yield from halves.rest()


def read(fields: Fields, body: str, profile: Profile) -> CallRecordIn | None:
    """A call, half a call, or None for what is no call; raises BadRow."""
    told = {profile.columns.name_of(key): value for key, value in fields.items()}
    others = {ours: told[other] for other, ours in OTHER_NAMES.items() if other in told}
    named: dict[str, Any] = others | told
    if "event" in named:
        return _event(named, body, profile)
    if "method" in named:
        return _transaction(named, body, profile)
    if "start_time" in named or "end_time" in named:
        return _call(named, body, profile)
    raise BadRow("method is missing.")


def _transaction(fields: Fields, body: str, profile: Profile) -> CallRecordIn | None:
    method = text_of(fields, "method", 20).upper()
    if method not in {"INVITE", "BYE"}:
        return None
    code = _code(fields)
    if code in _CHALLENGES or code < _ANSWERED:
        return None
    at = place([_time(fields, "time")], profile.zone).times[0]
    if at is None:
        raise BadRow("time is missing.")
    record = _record(fields, body, profile, ended_at=at)
    record.source_record_id = _key_of_tags(fields)
    if method == "INVITE" and code >= _FAILED:
        # Not the key of the call: a change of a running call may be refused, too.
        record.source_record_id = _short(f"{record.source_record_id};failed")
        return record
    required_text(fields, "to_tag", 200)
    record.waits = HALF_RECORD
    record.answered_at = at if method == "INVITE" else None
    return record


def _call(fields: Fields, body: str, profile: Profile) -> CallRecordIn:
    """A record of acc's own: one to a call, its ends told by the dialog."""
    counted = seconds_of(fields, "duration") if fields.get("duration") else None
    times = [_time(fields, name) for name in ("start_time", "end_time")]
    placed = place(times, profile.zone, [Span(0, 1, counted)])
    answered_at, ended_at = placed.times
    if ended_at is None:
        raise BadRow("end_time is missing.")
    record = _record(fields, body, profile, ended_at=ended_at)
    authorised = text_of(fields, "authorization_id", 200)
    record.source_record_id = authorised or _key_of_tags(fields)
    if placed.is_estimated:
        record.flags = f"{record.flags} estimated".strip()
    # Of a call that nobody answered acc writes one moment twice.
    _answer(record, answered_at if answered_at != ended_at else None, counted)
    return record


def _event(fields: Fields, body: str, profile: Profile) -> CallRecordIn | None:
    """What the dialog module posts while it happens."""
    event = required_text(fields, "event", 20)
    if event == "answered":
        return None
    if event not in {"ended", "failed"}:
        raise BadRow(f"event {event} is not known.")
    times = [_time(fields, f"{name}_at") for name in ("invited", "answered", "ended")]
    invited_at, answered_at, ended_at = place(times, profile.zone).times
    ended_at = ended_at or answered_at or invited_at
    if ended_at is None:
        raise BadRow("ended_at is missing.")
    record = _record(fields, body, profile, ended_at=ended_at)
    record.source_record_id = text_of(fields, "authorization_id", 200) or _short(
        required_text(fields, "call_id", LONGEST_CALL_ID)
    )
    record.invited_at = invited_at
    _answer(record, answered_at if event == "ended" else None, None)
    return record


def _answer(
    record: CallRecordIn, answered_at: datetime | None, counted: int | None
) -> None:
    if answered_at is None:
        return
    record.answered_at = answered_at
    record.billable_seconds = seconds_between(answered_at, record.ended_at)
    if record.billable_seconds < 0:
        if counted is None:
            raise BadRow("The call ended before it was answered.")
        record.billable_seconds = counted
        record.flags = f"{record.flags} clock_skew".strip()


def _record(
    fields: Fields, body: str, profile: Profile, *, ended_at: datetime
) -> CallRecordIn:
    """What all three have in common; nobody has answered yet."""
    trunk, address = text_of(fields, "trunk", 100), text_of(fields, "src_ip", 100)
    direction = profile.direction_of(trunk, address)
    caller_raw, callee_raw = text_of(fields, "from", 128), text_of(fields, "to", 128)
    ends = read_ends(caller_raw, callee_raw, direction, profile)
    return CallRecordIn(
        source_record_id="",
        direction=direction,
        caller=ends.caller,
        callee=ends.callee,
        caller_raw=caller_raw,
        callee_raw=callee_raw,
        invited_at=None,
        answered_at=None,
        ended_at=ended_at,
        billable_seconds=0,
        body=body,
        call_id=text_of(fields, "call_id", LONGEST_CALL_ID)[:200],
        from_tag=text_of(fields, "from_tag", LONGEST_CALL_ID)[:200],
        authorization_id=text_of(fields, "authorization_id", 200),
        account_code=text_of(fields, "account_code", 100),
        trunk=trunk,
        tenant=address,
        user=text_of(fields, "user", 150),
        kind=ends.kind,
        flags=ends.flags,
    )


def _code(fields: Fields) -> int:
    code = str(fields.get("sip_code") or "")
    if not re.fullmatch("[1-6][0-9]{2}", code):
        raise BadRow("sip_code is not a SIP status such as 200.")
    return int(code)


def _key_of_tags(fields: Fields) -> str:
    """Call id and both tags; either side may hang up, so the tags have no order."""
    call_id = required_text(fields, "call_id", LONGEST_CALL_ID)
    tags = required_text(fields, "from_tag", 200), text_of(fields, "to_tag", 200)
    return _short(";".join((call_id, *sorted(tags))))


def _short(key: str) -> str:
    if len(key) <= LONGEST_KEY:
        return key
    return f"hash:{blake2b(key.encode(), digest_size=20).hexdigest()}"


def _time(fields: Fields, name: str) -> datetime | None:
    """Seconds since 1970, number or text, with a fraction or not; or local time."""
    value = fields.get(name)
    if value is None or value == "":
        return None
    text = str(value)
    if not _EPOCH.fullmatch(text):
        return local_time(name, text)
    whole, _, fraction = text.partition(".")
    found = datetime.fromtimestamp(int(whole), UTC)
    if not EARLIEST < found.year < LATEST:
        raise BadRow(f"{name} is not a plausible time.")
    return found.replace(microsecond=int(fraction[:6].ljust(6, "0")))

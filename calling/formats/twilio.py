"""Twilio's call resource: a page, an array, or one call to a document (docs/switches).

Pure. Only a finished call is a record: what is still ringing or talking will come
again. A forwarded call is two calls, parent and child, and both may cost. The price is
Twilio's, null until it is known, and never makes the call another one.
"""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime

from calling.call_words import word_of
from calling.formats.documents import (
    Rows,
    page_of,
    parse_documents,
    refuse_constant,
)
from calling.formats.ends import read_ends
from calling.formats.fields import EARLIEST, LATEST, required_text, seconds_of, text_of
from calling.formats.pieces import Raw, pieces_of
from calling.formats.record import BadRow, CallRecordIn, Fields, Profile

DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=refuse_constant)
PAGE = page_of("calls")
UNFINISHED = frozenset({"queued", "initiated", "ringing", "in-progress"})


def parse(raw: Raw, profile: Profile) -> Rows:
    return parse_documents(pieces_of(raw), DECODER, read, profile, PAGE)


def read(fields: Fields, body: str, profile: Profile) -> CallRecordIn | None:
    """One call, None while it is not finished; raises BadRow."""
    status = required_text(fields, "status", 50)
    if status in UNFINISHED:
        return None
    said = required_text(fields, "direction", 50)
    direction = word_of(said).direction
    caller_raw, callee_raw = text_of(fields, "from", 128), text_of(fields, "to", 128)
    ends = read_ends(caller_raw, callee_raw, direction, profile)
    started_at, ended_at = _time(fields, "start_time"), _time(fields, "end_time")
    ended_at = ended_at or started_at or _time(fields, "date_created")
    if ended_at is None:
        raise BadRow("end_time is missing.")
    seconds = (seconds_of(fields, "duration") or 0) if status == "completed" else 0
    if seconds > (ended_at - datetime.min.replace(tzinfo=UTC)).total_seconds():
        raise BadRow("duration is not plausible.")
    sid = required_text(fields, "sid", 200)
    return CallRecordIn(
        source_record_id=sid,
        direction=direction,
        caller=ends.caller,
        callee=ends.callee,
        caller_raw=caller_raw,
        callee_raw=callee_raw,
        invited_at=started_at,
        answered_at=ended_at - timedelta(seconds=seconds) if seconds else None,
        ended_at=ended_at,
        billable_seconds=seconds,
        body=body,
        call_id=text_of(fields, "parent_call_sid", 200) or sid,
        tenant=text_of(fields, "account_sid", 100),
        trunk=text_of(fields, "trunk_sid", 100),
        call_type=said,
        kind=ends.kind,
        flags=" ".join(filter(None, (ends.flags, _forwarded(fields)))),
    )


def _forwarded(fields: Fields) -> str:
    return "forwarded" if text_of(fields, "forwarded_from", 128) else ""


def _time(fields: Fields, name: str) -> datetime | None:
    """An RFC 2822 time, in UTC."""
    text = text_of(fields, name, 50)
    if not text:
        return None
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        found = None
    if found is None or not EARLIEST < found.year < LATEST:
        raise BadRow(f"{name} is not a time such as Sun, 22 Nov 2026 02:00:06 +0000.")
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)

"""Generic JSON: our own words, one call to a document (docs/switches/generic.md).

Pure. A file holds one document to a line, an array, or a single document. From files
unknown fields are ignored; the API is strict and refuses them.
"""

import json
from datetime import datetime
from decimal import Decimal

from calling.formats.documents import Rows, parse_documents, refuse_constant
from calling.formats.fields import (
    required_text,
    seconds_between,
    seconds_of,
    text_of,
    time_of,
)
from calling.formats.pieces import Raw, pieces_of
from calling.formats.record import DIRECTIONS, BadRow, CallRecordIn, Fields, Profile
from calling.phone_numbers import Reading, read_number

DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=refuse_constant)
KINDS = frozenset({"conference_out", "emergency", "on_net"})
FIELDS = frozenset(
    """source source_record_id call_id authorization_id account_code trunk tenant user
    direction from to from_raw to_raw invited_at answered_at ended_at duration_s
    billable_s call_type kind hangup_cause sip_code conference_id parent_id
    supplier_charge supplier_fee supplier_currency supplier_entitlement
    flags""".split()  # noqa: SIM905  # read as the wire's own list of words
)


def parse(raw: Raw, profile: Profile) -> Rows:
    return parse_documents(pieces_of(raw), DECODER, read, profile)


def read(fields: Fields, body: str, profile: Profile) -> CallRecordIn:
    """One document's record; raises BadRow with a sentence that names the field."""
    _check_source(fields, profile)
    direction = text_of(fields, "direction", 20)
    if direction not in DIRECTIONS:
        raise BadRow("direction must be outbound or inbound.")
    outbound = direction == "outbound"
    caller_raw = text_of(fields, "from", 128)
    callee_raw = text_of(fields, "to", 128)
    if not (callee_raw if outbound else caller_raw or callee_raw):
        raise BadRow(f"{'to' if outbound else 'from'} is missing.")
    caller = read_number(caller_raw, profile.home_country, profile.rewrite_rules)
    callee = read_number(callee_raw, profile.home_country, profile.rewrite_rules)
    invited_at, answered_at, ended_at, seconds, flags = _times(fields)
    kind = _kind(fields)
    if callee.reading is Reading.EMERGENCY and outbound:
        kind = "emergency"
    if Reading.MASKED in {caller.reading, callee.reading}:
        flags += " masked"
    return CallRecordIn(
        source_record_id=required_text(fields, "source_record_id", 200),
        direction=direction,
        caller=caller.e164,
        callee=callee.e164,
        caller_raw=caller_raw,
        callee_raw=callee_raw,
        invited_at=invited_at,
        answered_at=answered_at,
        ended_at=ended_at,
        billable_seconds=seconds,
        body=body,
        call_id=text_of(fields, "call_id", 200),
        authorization_id=text_of(fields, "authorization_id", 100),
        account_code=text_of(fields, "account_code", 100),
        trunk=text_of(fields, "trunk", 100),
        tenant=text_of(fields, "tenant", 100),
        user=text_of(fields, "user", 150),
        call_type=text_of(fields, "call_type", 50),
        kind=kind,
        conference_id=text_of(fields, "conference_id", 100),
        flags=flags.strip(),
    )


def _check_source(fields: Fields, profile: Profile) -> None:
    if profile.strict and not fields.keys() <= FIELDS:
        unknown = ", ".join(sorted(fields.keys() - FIELDS)[:5])
        raise BadRow(f"Unknown field: {unknown}.")
    named = fields.get("source")
    if named is not None and named != profile.slug:
        raise BadRow(f"source names another source than {profile.slug}.")


def _kind(fields: Fields) -> str:
    """What the sender says that no number tells; every other kind is decided here."""
    kind = text_of(fields, "kind", 25)
    return kind if kind in KINDS else ""


def _times(
    fields: Fields,
) -> tuple[datetime | None, datetime | None, datetime, int, str]:
    """Invited, answered, ended, billable seconds, flags."""
    invited_at = time_of(fields, "invited_at")
    ended_at = time_of(fields, "ended_at")
    if "answered_at" not in fields:
        raise BadRow("answered_at is missing; write null for an unanswered call.")
    answered_at = time_of(fields, "answered_at")
    if ended_at is None:
        raise BadRow("ended_at is missing.")
    billable = seconds_of(fields, "billable_s")
    duration = seconds_of(fields, "duration_s")
    if answered_at is None:
        if billable:
            raise BadRow("billable_s is given although answered_at is null.")
        return invited_at, None, ended_at, 0, ""
    return (
        invited_at,
        answered_at,
        ended_at,
        *_billable(invited_at, answered_at, ended_at, billable, duration),
    )


def _billable(
    invited_at: datetime | None,
    answered_at: datetime,
    ended_at: datetime,
    billable: int | None,
    duration: int | None,
) -> tuple[int, str]:
    """Seconds from answer to end, and `clock_skew` where the times contradict."""
    skewed = ended_at < answered_at
    if invited_at is not None and answered_at < invited_at:
        skewed = True
    if billable is None and ended_at < answered_at:
        billable = duration
        if billable is None:
            raise BadRow("ended_at is before answered_at, and no seconds are given.")
    if billable is None:
        billable = seconds_between(answered_at, ended_at)
    return billable, "clock_skew" if skewed else ""

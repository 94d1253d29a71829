"""FreeSWITCH's mod_json_cdr: one document to a bridged leg (docs/switches).

Pure. All three `encode` settings give the same record; a call is billed by its A leg
unless the source says otherwise; the direction comes from the dialplan context, since
the switch's own word describes the channel (a desk phone's call is "inbound"), else
from whose the numbers are.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from calling.formats.documents import Rows, parse_documents, refuse_constant
from calling.formats.ends import read_ends
from calling.formats.fields import (
    required_text,
    seconds_between,
    seconds_of,
    text_of,
)
from calling.formats.pieces import Raw, pieces_of
from calling.formats.record import BadRow, CallRecordIn, Profile, RowError

VANILLA_CONTEXTS = {"default": "outbound", "public": "inbound"}
_FORM = "application/x-www-form-urlencoded"
_BASE64_FORM = "application/x-www-form-base64-encoded"


def _collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Keeps every `callflow`: a transferred call repeats the key in one object."""
    found = dict(pairs)
    if "callflow" in found:
        flows = [value for key, value in pairs if key == "callflow"]
        lists = [flow if isinstance(flow, list) else [flow] for flow in flows]
        found["callflow"] = [flow for several in lists for flow in several]
    return found


DECODER = json.JSONDecoder(
    parse_float=Decimal, parse_constant=refuse_constant, object_pairs_hook=_collect
)


def parse(raw: Raw, profile: Profile, content_type: str = "") -> Rows:
    if not isinstance(raw, bytes):
        return parse_documents(pieces_of(raw), DECODER, read, profile)
    try:
        document = unwrap(raw, content_type)
    except BadRow as problem:
        return iter([RowError(1, str(problem), raw[:2000].decode("latin-1"))])
    return parse_documents([document], DECODER, read, profile)


def unwrap(raw: bytes, content_type: str = "") -> bytes:
    """The document in a request body, whichever way `encode` wrapped it."""
    kind = content_type.partition(";")[0].strip().lower()
    if not raw.startswith(b"cdr=") and kind not in {_FORM, _BASE64_FORM}:
        return raw
    wrapped = raw.removeprefix(b"cdr=")
    if kind == _BASE64_FORM or (kind != _FORM and wrapped[:1] not in b"%{"):
        try:
            # No form decoder over this one: a plus sign is part of base64.
            return base64.b64decode(wrapped, validate=True)
        except binascii.Error:
            raise BadRow("The body is not base64.") from None
    return unquote(wrapped.decode("latin-1").replace("+", " ")).encode()


def read(
    document: Mapping[str, Any], body: str, profile: Profile
) -> CallRecordIn | None:
    """One document's record, None for a leg that is not billed; raises BadRow."""
    variables = _variables(document)
    flow = _first_flow(document)
    caller_profile = _part(flow, "caller_profile")
    if "originator" in caller_profile and not profile.all_legs:
        return None
    context = text_of(caller_profile, "context", 100)
    direction = profile.direction_of(context, known=VANILLA_CONTEXTS)
    outbound = direction != "inbound"
    caller_raw = text_of(caller_profile, "caller_id_number", 128)
    callee_raw = required_text(caller_profile, "destination_number", 128)
    ends = read_ends(caller_raw, callee_raw, direction, profile)
    times = _part(flow, "times")
    answered_at = _instant(times, "answered_time", variables, "answer_epoch")
    ended_at = _instant(times, "hangup_time", variables, "end_epoch")
    if ended_at is None:
        raise BadRow("hangup_time is missing.")
    return CallRecordIn(
        source_record_id=required_text(variables, "uuid", 200),
        direction=direction,
        caller=ends.caller,
        callee=ends.callee,
        caller_raw=caller_raw,
        callee_raw=callee_raw,
        invited_at=_instant(times, "created_time", variables, "start_epoch"),
        answered_at=answered_at,
        ended_at=ended_at,
        billable_seconds=_billable(variables, answered_at, ended_at),
        body=body,
        call_id=text_of(variables, "sip_call_id", 200),
        authorization_id=text_of(variables, "authorization_id", 100),
        account_code=text_of(variables, "accountcode", 100),
        user=text_of(variables, "sip_from_user" if outbound else "sip_to_user", 150),
        kind=ends.kind,
        flags=ends.flags,
    )


def _variables(document: Mapping[str, Any]) -> dict[str, Any]:
    """The channel variables; `encode-values` wrote them URL-encoded, once."""
    return {
        name: unquote(value) if isinstance(value, str) and "%" in value else value
        for name, value in _part(document, "variables").items()
    }


def _first_flow(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The original leg's; later entries belong to transfers."""
    flows = document.get("callflow")
    if not flows or not isinstance(flows[0], dict):
        raise BadRow("callflow is missing.")
    first: Mapping[str, Any] = flows[0]
    return first


def _part(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = fields.get(name)
    if not isinstance(found, dict):
        raise BadRow(f"{name} is missing.")
    return found


def _instant(
    times: Mapping[str, Any], micros: str, variables: Mapping[str, Any], epoch: str
) -> datetime | None:
    """An instant in microseconds, else in seconds; 0 means it did not happen."""
    for fields, name, unit in ((times, micros, 1_000_000), (variables, epoch, 1)):
        value = fields.get(name)
        if value is None or value == "":
            continue
        text = str(value)
        if not (text.isascii() and text.isdecimal() and len(text) <= 16):
            raise BadRow(f"{name} is not a time.")
        if int(value) // unit > 7_000_000_000:
            raise BadRow(f"{name} is not a time.")
        whole, rest = divmod(int(value), unit)
        if whole:
            moment = datetime.fromtimestamp(whole, UTC)
            return moment.replace(microsecond=rest)
    return None


def _billable(
    variables: Mapping[str, Any], answered_at: datetime | None, ended_at: datetime
) -> int:
    if answered_at is None:
        return 0
    millis = seconds_of(variables, "billmsec")
    if millis is not None:
        return -(-millis // 1000)
    seconds = seconds_of(variables, "billsec")
    if seconds is None:
        seconds = seconds_between(answered_at, ended_at)
    if seconds < 0:
        raise BadRow("hangup_time is before answered_time.")
    return seconds

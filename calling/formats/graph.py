"""Microsoft Graph's getPstnCalls and getDirectRoutingCalls, page after page.

Pure. A file holds pages as Graph sent them, an array, or one row to a line; the order
of pages and rows does not matter. Rows go through the same rules as the export's.
"""

import json
from decimal import Decimal

from calling.formats.documents import (
    Rows,
    page_of,
    parse_documents,
    refuse_constant,
)
from calling.formats.microsoft import read_direct_routing, read_pstn
from calling.formats.pieces import Raw, pieces_of
from calling.formats.record import BadRow, CallRecordIn, Fields, Profile

DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=refuse_constant)
PAGE = page_of("value")
# Graph's name → the export's
PSTN = {
    "id": "usageid",
    "callId": "call id",
    "conferenceId": "conference id",
    "userPrincipalName": "upn",
    "callerNumber": "caller id",
    "calleeNumber": "destination number",
    "callType": "call type",
    "startDateTime": "start time",
    "endDateTime": "end time",
    "duration": "duration seconds",
    "connectionCharge": "connection fee",
    "charge": "charge",
    "licenseCapability": "capability",
}
DIRECT_ROUTING = {
    "id": "id",
    "correlationId": "correlationid",
    "userPrincipalName": "upn",
    "callType": "call type",
    "callerNumber": "caller number",
    "calleeNumber": "callee number",
    "inviteDateTime": "invite time",
    "startDateTime": "start time",
    "failureDateTime": "failure time",
    "endDateTime": "end time",
    "trunkFullyQualifiedDomainName": "sbc fqdn",
}


def parse_pstn(raw: Raw, profile: Profile) -> Rows:
    return parse_documents(pieces_of(raw), DECODER, _pstn, profile, PAGE)


def parse_direct_routing(raw: Raw, profile: Profile) -> Rows:
    return parse_documents(pieces_of(raw), DECODER, _direct_routing, profile, PAGE)


def _pstn(fields: Fields, body: str, profile: Profile) -> CallRecordIn:
    return read_pstn(_renamed(fields, PSTN), body, profile)


def _direct_routing(fields: Fields, body: str, profile: Profile) -> CallRecordIn:
    answered = fields.get("successfulCall")
    if not isinstance(answered, bool):
        raise BadRow("successfulCall must be true or false.")
    renamed = _renamed(fields, DIRECT_ROUTING)
    return read_direct_routing(renamed, body, profile, answered=answered)


def _renamed(fields: Fields, names: dict[str, str]) -> Fields:
    if "error" in fields and "id" not in fields:
        raise BadRow("This is an answer of Graph that says an error, not a page.")
    return {ours: fields.get(theirs) for theirs, ours in names.items()}

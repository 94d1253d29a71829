"""FreeSWITCH's documents: three wrappings, one record; one leg, one bill."""

import base64
import json
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest

from calling.formats.documents import Row
from calling.formats.freeswitch import parse
from calling.formats.record import CallRecordIn, Profile, RowError, SkippedLeg

PROFILE = Profile(slug="pbx1", home_country="TW")
UUID = "0f7c2a10-5b4e-4a6c-9a53-0c1a8d2f6e11"
DOCUMENT: dict[str, Any] = {
    "core-uuid": "5d0b",
    "switchname": "pbx1",
    "channel_data": {"state": "CS_REPORTING", "direction": "inbound"},
    "variables": {
        "uuid": UUID,
        "accountcode": "ORG-1001",
        "direction": "inbound",
        "start_epoch": "1795312800",
        "answer_epoch": "1795312806",
        "end_epoch": "1795312929",
        "duration": "129",
        "billsec": "123",
        "hangup_cause": "NORMAL_CLEARING",
        "sip_call_id": "a1b2c3%40192.0.2.10",
    },
    "callflow": {
        "dialplan": "XML",
        "caller_profile": {
            "caller_id_number": "+886223456789",
            "destination_number": "+81312345678",
            "network_addr": "192.0.2.10",
            "uuid": UUID,
            "context": "default",
        },
        "times": {
            "created_time": "1795312800000000",
            "answered_time": "1795312806000000",
            "hangup_time": "1795312929000000",
        },
    },
}
FORM = "application/x-www-form-urlencoded"
BASE64_FORM = "application/x-www-form-base64-encoded"


def rows_of(document: Any, profile: Profile = PROFILE) -> list[Row]:
    return list(parse(json.dumps(document).encode(), profile))


def record_of(document: Any, profile: Profile = PROFILE) -> CallRecordIn:
    (row,) = rows_of(document, profile)
    assert isinstance(row, CallRecordIn), row
    return row


def changed(**changes: Any) -> dict[str, Any]:
    """The document with values changed by path: `variables__billsec="1"`."""
    document = deepcopy(DOCUMENT)
    for path, value in changes.items():
        *parents, name = path.split("__")
        place = document
        for parent in parents:
            place = place[parent]
        if value is ...:
            del place[name]
        else:
            place[name] = value
    return document


def test_a_document_is_read() -> None:
    call = record_of(DOCUMENT)
    assert call.source_record_id == UUID
    assert call.direction == "outbound"
    assert (call.caller, call.callee) == ("+886223456789", "+81312345678")
    assert call.answered_at == datetime(2026, 11, 22, 2, 0, 6, tzinfo=UTC)
    assert call.ended_at == datetime(2026, 11, 22, 2, 2, 9, tzinfo=UTC)
    assert (call.billable_seconds, call.account_code) == (123, "ORG-1001")
    assert call.call_id == "a1b2c3@192.0.2.10"


def test_all_three_encodings_give_the_same_record() -> None:
    raw = json.dumps(changed(variables__note="1+1 >>> ???")).encode()
    as_form = b"cdr=" + quote(raw.decode()).encode()
    as_base64 = b"cdr=" + base64.b64encode(raw)
    assert b"+" in as_base64 or b"/" in as_base64
    told = [
        *parse(raw, PROFILE, "application/json"),
        *parse(as_form, PROFILE, FORM),
        *parse(as_base64, PROFILE, BASE64_FORM),
        # A file on the switch names no type.
        *parse(raw, PROFILE),
        *parse(as_form, PROFILE),
        *parse(as_base64, PROFILE),
    ]
    assert len(told) == 6
    assert all(row == told[0] for row in told)
    assert isinstance(told[0], CallRecordIn)


def test_a_broken_wrapping_is_told() -> None:
    (row,) = parse(b"cdr=%%%not base64", PROFILE, BASE64_FORM)
    assert isinstance(row, RowError)
    assert row.reason == "The body is not base64."


def test_values_are_decoded_once() -> None:
    call = record_of(changed(variables__accountcode="A%2525"))
    assert call.account_code == "A%25"


def test_b52_only_the_a_leg_is_billed() -> None:
    b_leg = changed(callflow__caller_profile__originator={"x": []})
    assert [type(row) for row in rows_of(b_leg)] == [SkippedLeg]
    both = replace(PROFILE, all_legs=True)
    assert record_of(b_leg, both).source_record_id == UUID


def test_the_context_gives_the_direction() -> None:
    public = changed(callflow__caller_profile__context="public")
    assert record_of(public).direction == "inbound"
    own = replace(PROFILE, direction_map={"from-carrier": "inbound"})
    carrier = changed(callflow__caller_profile__context="from-carrier")
    assert record_of(carrier, own).direction == "inbound"
    # Its numbers may still tell, where the organisations are known.
    assert record_of(carrier).direction == ""


def test_a_transferred_call_repeats_the_key_callflow() -> None:
    later = deepcopy(DOCUMENT["callflow"])
    later["times"]["answered_time"] = "1795312900000000"
    flows = [json.dumps(DOCUMENT["callflow"]), json.dumps(later)]
    rest = json.dumps({k: v for k, v in DOCUMENT.items() if k != "callflow"})
    twice = rest[:-1] + "".join(f', "callflow": {flow}' for flow in flows) + "}"
    (row,) = parse(twice.encode(), PROFILE)
    assert row == replace(record_of(DOCUMENT), body=twice)
    as_array = record_of(changed(callflow=[DOCUMENT["callflow"], later]))
    assert as_array.answered_at == record_of(DOCUMENT).answered_at


def test_zero_means_it_did_not_happen() -> None:
    call = record_of(
        changed(
            callflow__times__answered_time="0",
            variables__answer_epoch="0",
            variables__billsec="0",
        )
    )
    assert (call.answered_at, call.billable_seconds) == (None, 0)


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [
        ({"variables__billmsec": "122001"}, 123),
        ({"variables__billmsec": "123000"}, 123),
        ({"variables__billsec": ...}, 123),
        ({"callflow__times__answered_time": ...}, 123),
    ],
)
def test_seconds_come_from_the_finest_there_is(
    changes: dict[str, Any], seconds: int
) -> None:
    assert record_of(changed(**changes)).billable_seconds == seconds


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"variables": ...}, "variables is missing."),
        ({"callflow": ...}, "callflow is missing."),
        ({"callflow": []}, "callflow is missing."),
        ({"variables__uuid": ...}, "uuid is missing."),
        ({"callflow__caller_profile": 7}, "caller_profile is missing."),
        (
            {"callflow__caller_profile__destination_number": ...},
            "destination_number is missing.",
        ),
        ({"callflow__times__hangup_time": "soon"}, "hangup_time is not a time."),
        ({"variables__billsec": "-5"}, "billsec is negative."),
        ({"callflow__times__answered_time": "9" * 30}, "answered_time is not a time."),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    changes: dict[str, Any], reason: str
) -> None:
    (row,) = rows_of(changed(**changes))
    assert isinstance(row, RowError)
    assert row.reason == reason

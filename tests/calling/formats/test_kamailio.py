"""Kamailio: halves that find each other, records of the dialog, events."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest

from calling.digest import digest_of
from calling.formats import halves
from calling.formats.record import CallRecordIn
from calling.formats.registry import read_again
from tests.calling.formats.reading import (
    PROFILE,
    profile_with,
    record_of,
    records_of,
    refused,
    rows_of,
    skipped,
    told,
)

NAME = "kamailio"
ANSWERED = datetime(2026, 11, 22, 2, 0, 6, tzinfo=UTC)
INVITE: dict[str, Any] = {
    "time": 1795312806,
    "method": "INVITE",
    "from_tag": "19187t1",
    "to_tag": "17648u3",
    "callid": "1-19187@192.0.2.20",
    "sip_code": "200",
    "sip_reason": "OK",
    "src_user": "+886223456789",
    "dst_user": "+81312345678",
    "src_ip": "192.0.2.20",
}
BYE = INVITE | {"time": 1795312929, "method": "BYE"}
HUNG_UP_BY_CALLEE = BYE | {
    "from_tag": "17648u3",
    "to_tag": "19187t1",
    "src_user": "+81312345678",
    "dst_user": "+886223456789",
}
ENDED = {
    "event": "ended",
    "authorization_id": "auth_01J",
    "call_id": "1-19187@192.0.2.20",
    "from": "+886223456789",
    "to": "+81312345678",
    "invited_at": "1795312800.104211",
    "answered_at": "1795312806.020114",
    "ended_at": "1795312929.511873",
    "reason": "hangup",
}


def lines(*documents: dict[str, Any]) -> bytes:
    return "".join(json.dumps(document) + "\n" for document in documents).encode()


def call_of(*documents: dict[str, Any]) -> CallRecordIn:
    return record_of(NAME, lines(*documents))


def test_invite_and_bye_are_one_call() -> None:
    record = call_of(INVITE, BYE)
    assert (record.answered_at, record.billable_seconds) == (ANSWERED, 123)
    assert (record.caller, record.callee) == ("+886223456789", "+81312345678")
    assert (record.waits, record.tenant) == ("", "192.0.2.20")
    assert record.source_record_id == "1-19187@192.0.2.20;17648u3;19187t1"


def test_whoever_hangs_up_the_call_is_the_same() -> None:
    swapped = call_of(INVITE, HUNG_UP_BY_CALLEE)
    assert digest_of(swapped) == digest_of(call_of(INVITE, BYE))
    assert swapped.callee == "+81312345678"


def test_a_bye_may_come_first() -> None:
    assert told(call_of(BYE, INVITE)) == told(call_of(INVITE, BYE))


@pytest.mark.parametrize("half", [INVITE, BYE, HUNG_UP_BY_CALLEE])
def test_half_a_call_waits(half: dict[str, Any]) -> None:
    record = call_of(half)
    assert (record.waits, record.billable_seconds) == ("half_record", 0)
    assert record.source_record_id == call_of(INVITE, BYE).source_record_id


def test_halves_that_are_kept_apart_are_joined_when_read_together() -> None:
    first, second = call_of(INVITE), call_of(HUNG_UP_BY_CALLEE)
    assert digest_of(first) != digest_of(second)
    together = read_again(NAME, f"{second.body}\n{first.body}\n", PROFILE)
    assert told(together) == told(call_of(INVITE, HUNG_UP_BY_CALLEE))


def test_an_invite_within_the_call_begins_nothing() -> None:
    """Hold and resume, in whatever order they come."""
    again = INVITE | {"time": 1795312860}
    again_later = INVITE | {"time": 1795312900}
    expected = digest_of(call_of(INVITE, BYE))
    for order in permutations([INVITE, again, BYE, again_later]):
        assert digest_of(call_of(*order)) == expected


def test_an_invite_that_is_refused_within_the_call_ends_nothing() -> None:
    refused_change = INVITE | {"time": 1795312860, "sip_code": "488"}
    records = records_of(NAME, lines(INVITE, refused_change, BYE))
    seconds = {r.source_record_id: r.billable_seconds for r in records}
    key = call_of(INVITE, BYE).source_record_id
    assert seconds == {key: 123, f"{key};failed": 0}


def test_a_second_bye_changes_nothing() -> None:
    late = HUNG_UP_BY_CALLEE | {"time": 1795312961, "sip_code": "481"}
    for order in permutations([INVITE, BYE, late]):
        assert call_of(*order).billable_seconds == 123


def test_a_call_that_failed_is_whole_by_itself() -> None:
    record = call_of(INVITE | {"sip_code": "486", "sip_reason": "Busy here"})
    assert (record.waits, record.answered_at, record.billable_seconds) == ("", None, 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"sip_code": "407"},
        {"sip_code": "401"},
        {"sip_code": "180"},
        {"method": "CANCEL"},
        {"method": "MESSAGE", "sip_code": None},
    ],
)
def test_what_is_no_call_is_skipped(changes: dict[str, Any]) -> None:
    assert skipped(NAME, lines(INVITE | changes)) == 1


def test_an_end_before_the_beginning_waits_with_both_halves() -> None:
    record = call_of(INVITE, BYE | {"time": 1795312000})
    assert record.waits == "half_record"
    assert len(record.body.splitlines()) == 2


@pytest.mark.parametrize(
    "time", [1795312806, "1795312806", 1795312806.25, "1795312806.25"]
)
def test_times_of_modes_zero_to_two(time: Any) -> None:
    record = call_of(INVITE | {"time": time}, BYE)
    assert record.answered_at is not None
    assert record.answered_at.replace(microsecond=0) == ANSWERED
    assert record.billable_seconds == 123


def test_times_of_mode_three_are_local_and_of_mode_four_utc() -> None:
    local = (
        INVITE | {"time": "2026-11-22 10:00:06"},
        BYE | {"time": "2026/11/22 10:02:09"},
    )
    record = record_of(NAME, lines(*local), profile_with(zone="Asia/Taipei"))
    assert (record.answered_at, record.billable_seconds) == (ANSWERED, 123)
    utc = (
        INVITE | {"time": "2026-11-22 02:00:06"},
        BYE | {"time": "2026-11-22 02:02:09"},
    )
    assert call_of(*utc).answered_at == ANSWERED


def test_the_names_of_the_keys_are_the_sources() -> None:
    profile = profile_with(
        columns={"Ruf": "call_id", "Zeit": "time", "ft": "from_tag", "tt": "to_tag"}
    )
    names = {"callid": "Ruf", "time": "Zeit", "from_tag": "ft", "to_tag": "tt"}
    documents = [
        {names.get(name, name): value for name, value in document.items()}
        for document in (INVITE, BYE)
    ]
    assert record_of(NAME, lines(*documents), profile).billable_seconds == 123


def test_other_versions_names_are_known() -> None:
    names = {"callid": "call_id", "sip_code": "code", "src_user": "from_user"}
    documents = [
        {names.get(name, name): value for name, value in document.items()}
        for document in (INVITE, BYE)
    ]
    assert digest_of(call_of(*documents)) == digest_of(call_of(INVITE, BYE))


CALL = {
    **{name: INVITE[name] for name in ("callid", "from_tag", "to_tag", "src_user")},
    "dst_user": "+81312345678",
    "start_time": "1795312806.020",
    "end_time": "1795312929.511",
    "duration": "123.491",
}


def test_a_record_of_the_dialog_is_a_call() -> None:
    record = call_of(CALL)
    assert record.source_record_id == call_of(INVITE, BYE).source_record_id
    assert record.billable_seconds == 124


def test_an_authorisation_is_the_id_of_record_and_event_alike() -> None:
    record = call_of(CALL | {"auth": "auth_01J"})
    assert record.source_record_id == "auth_01J"
    assert call_of(ENDED).source_record_id == "auth_01J"


def test_a_record_whose_clock_went_back_counts_its_own_seconds() -> None:
    record = call_of(CALL | {"end_time": "1795312800.0"})
    assert (record.billable_seconds, record.flags) == (124, "clock_skew")
    backwards = CALL | {"end_time": "1795312800.0", "duration": ""}
    assert refused(NAME, lines(backwards)) == ["The call ended before it was answered."]


def test_an_ended_event_bills_and_an_answered_one_does_not() -> None:
    record = call_of(ENDED)
    assert record.answered_at == datetime(2026, 11, 22, 2, 0, 6, 20114, tzinfo=UTC)
    assert record.billable_seconds == 124
    assert skipped(NAME, lines(ENDED | {"event": "answered", "ended_at": ""})) == 1


@pytest.mark.parametrize("event", ["ended", "failed"])
def test_an_event_without_an_answer_is_an_unanswered_call(event: str) -> None:
    """Times that are not known yet are empty texts."""
    record = call_of(ENDED | {"event": event, "answered_at": "", "reason": "486"})
    assert (record.answered_at, record.billable_seconds) == (None, 0)
    nothing = {"answered_at": "", "ended_at": ""}
    record = call_of(ENDED | {"event": event} | nothing)
    assert record.ended_at == record.invited_at


def test_a_call_that_the_limit_cut_off_is_a_call() -> None:
    assert call_of(ENDED | {"reason": "credit_limit"}).billable_seconds == 124


def test_the_trunk_or_the_address_tells_the_direction() -> None:
    assert call_of(INVITE, BYE).direction == ""
    profile = replace(PROFILE, direction_map={"192.0.2.20": "outbound"})
    assert record_of(NAME, lines(INVITE, BYE), profile).direction == "outbound"
    profile = replace(PROFILE, direction_map={"tata": "inbound"})
    told_trunk = record_of(NAME, lines(INVITE | {"trunk": "tata"}, BYE), profile)
    assert (told_trunk.direction, told_trunk.trunk) == ("inbound", "tata")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sip_code": "0"}, "sip_code is not a SIP status such as 200."),
        ({"time": None}, "time is missing."),
        ({"time": "noon"}, "time is not a time such as 2026-11-22 02:00:06."),
        ({"time": 9999999999}, "time is not a plausible time."),
        ({"callid": ""}, "call_id is missing."),
        ({"to_tag": ""}, "to_tag is missing."),
        ({"from_tag": 7}, "from_tag must be a text."),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], reason: str) -> None:
    assert refused(NAME, lines(INVITE | changes)) == [reason]


def test_what_is_neither_record_nor_event_is_refused() -> None:
    assert refused(NAME, b'{"hello": "world"}\n{"event": "born"}\n') == [
        "method is missing.",
        "event born is not known.",
    ]


def test_a_call_id_that_is_too_long_for_a_key_is_hashed() -> None:
    long = {"callid": "x" * 400}
    record = call_of(INVITE | long, BYE | long)
    assert record.source_record_id.startswith("hash:")
    assert record.call_id == "x" * 200


def test_only_so_many_calls_are_kept_in_mind(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is given up waits as halves; nothing is lost."""
    monkeypatch.setattr(halves, "MOST_OPEN", 3)
    monkeypatch.setattr(halves, "MOST_JOINED", 2)
    calls = [{"callid": f"c{n}"} for n in range(10)]
    data = lines(*(INVITE | c for c in calls), *(BYE | c for c in reversed(calls)))
    records = records_of(NAME, data)
    documents = [line for r in records for line in r.body.splitlines()]
    assert len(documents) == 20
    whole = [r for r in records if not r.waits]
    assert {r.billable_seconds for r in whole} == {123}
    assert 0 < len(whole) < 10


def test_ten_thousand_calls_find_their_halves() -> None:
    calls = [{"callid": f"c{n}"} for n in range(10_000)]
    data = lines(*(INVITE | c for c in calls), *(BYE | c for c in reversed(calls)))
    records = records_of(NAME, data)
    assert len(records) == 10_000
    assert not any(record.waits for record in records)


def test_the_wrong_charset_refuses_its_row_alone() -> None:
    data = lines(INVITE, BYE).replace(b'"OK"', b'"\xa4\xa4"', 1)
    rows = rows_of(NAME, data)
    assert len(rows) == 2
    assert refused(NAME, data) == ["The text is not UTF-8."]

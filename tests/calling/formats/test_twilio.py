"""Twilio's calls: strings, RFC 2822 times, prices that come later, two legs."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from calling.digest import digest_of
from calling.formats.record import CallRecordIn
from tests.calling.formats.reading import (
    by_id,
    in_pieces,
    record_of,
    records_of,
    refused,
    sample,
    skipped,
)

CALL: dict[str, Any] = json.loads(sample("twilio"))["calls"][0]


def call(**changes: Any) -> CallRecordIn:
    return record_of("twilio", json.dumps(CALL | changes).encode())


def test_the_sample_of_the_manual_is_read() -> None:
    record = call()
    assert (record.caller, record.callee) == ("+886223456789", "+81312345678")
    assert (record.direction, record.billable_seconds) == ("outbound", 123)
    assert record.answered_at == datetime(2026, 11, 22, 2, 0, 6, tzinfo=UTC)
    assert record.tenant == "AC0123456789abcdef0123456789abcdef"


def test_the_answer_is_the_end_minus_the_duration() -> None:
    """Between start and answer it rang."""
    record = call(duration="60")
    assert record.answered_at == datetime(2026, 11, 22, 2, 1, 9, tzinfo=UTC)
    assert record.invited_at == datetime(2026, 11, 22, 2, 0, 6, tzinfo=UTC)


def test_a_price_that_comes_later_makes_no_other_call() -> None:
    assert digest_of(call(price=None)) == digest_of(call(price="-0.2250"))


def test_times_may_be_in_any_zone() -> None:
    """An hour after Berlin's clocks went back."""
    assert call(
        start_time="Sun, 25 Oct 2026 02:30:00 +0100",
        end_time="Sun, 25 Oct 2026 02:32:03 +0100",
    ).answered_at == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("status", ["no-answer", "busy", "failed", "canceled"])
def test_only_a_completed_call_was_answered(status: str) -> None:
    record = call(status=status)
    assert (record.answered_at, record.billable_seconds) == (None, 0)


def test_a_completed_call_of_no_seconds_was_not_answered() -> None:
    assert by_id("twilio", "zero").answered_at is None


@pytest.mark.parametrize("status", ["queued", "initiated", "ringing", "in-progress"])
def test_a_call_that_goes_on_will_come_again(status: str) -> None:
    data = json.dumps(CALL | {"status": status, "end_time": None}).encode()
    assert skipped("twilio", data) == 1


def test_a_forwarded_call_is_two_records_and_both_may_cost() -> None:
    parent, child = by_id("twilio", "parent"), by_id("twilio", "transferred")
    assert (parent.direction, child.direction) == ("inbound", "outbound")
    assert parent.call_id == child.call_id == "parent"
    assert parent.source_record_id != child.source_record_id
    assert call(forwarded_from="+886223456789").flags == "forwarded"


@pytest.mark.parametrize(
    ("word", "direction"),
    [
        ("inbound", "inbound"),
        ("trunking-originating", "inbound"),
        ("outbound-api", "outbound"),
        ("outbound-dial", "outbound"),
        ("trunking-terminating", "outbound"),
        ("outbound-hologram", "outbound"),
        ("sideways", ""),
    ],
)
def test_the_word_tells_the_direction(word: str, direction: str) -> None:
    assert call(direction=word).direction == direction


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sid": None}, "sid is missing."),
        ({"status": None}, "status is missing."),
        ({"end_time": None, "start_time": None}, "end_time is missing."),
        (
            {"end_time": "2026-11-22"},
            "end_time is not a time such as Sun, 22 Nov 2026 02:00:06 +0000.",
        ),
        ({"duration": "long"}, "duration must be a number of seconds."),
        ({"from": 886}, "from must be a text."),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], reason: str) -> None:
    assert refused("twilio", json.dumps(CALL | changes).encode()) == [reason]


def test_ten_thousand_calls_of_a_page_are_read() -> None:
    calls = [CALL | {"sid": f"CA{n}"} for n in range(10_000)]
    page = json.dumps({"page": 0, "calls": calls, "next_page_uri": None}).encode()
    assert len(records_of("twilio", in_pieces(page, 65536))) == 10_000

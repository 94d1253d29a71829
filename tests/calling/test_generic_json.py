"""Generic JSON: each call read exactly, each bad row told in one sentence."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calling.formats.documents import LONGEST_DOCUMENT, Row
from calling.formats.generic import parse
from calling.formats.record import CallRecordIn, Profile, RowError

PROFILE = Profile(slug="sbc1", home_country="TW")
CALL: dict[str, Any] = {
    "source": "sbc1",
    "source_record_id": "sbc1-0000817",
    "call_id": "1-19187@192.0.2.20",
    "account_code": "ORG-1001",
    "user": "mei@contoso.example",
    "direction": "outbound",
    "from": "+886223456789",
    "to": "+81312345678",
    "invited_at": "2026-11-22T02:00:00Z",
    "answered_at": "2026-11-22T02:00:06Z",
    "ended_at": "2026-11-22T02:02:09Z",
    "billable_s": 123,
    "hangup_cause": 16,
    "sip_code": 200,
}


def rows_of(raw: str | bytes, profile: Profile = PROFILE) -> list[Row]:
    return list(parse(raw.encode() if isinstance(raw, str) else raw, profile))


def record_of(**changes: Any) -> CallRecordIn:
    (row,) = rows_of(json.dumps({**CALL, **changes}))
    assert isinstance(row, CallRecordIn), row
    return row


def reason_of(profile: Profile = PROFILE, **changes: Any) -> str:
    told = {**CALL, **changes}
    kept = {name: value for name, value in told.items() if value is not ...}
    (row,) = rows_of(json.dumps(kept), profile)
    assert isinstance(row, RowError), row
    return row.reason


def test_a_call_is_read() -> None:
    call = record_of()
    assert call.source_record_id == "sbc1-0000817"
    assert (call.caller, call.callee) == ("+886223456789", "+81312345678")
    assert call.answered_at == datetime(2026, 11, 22, 2, 0, 6, tzinfo=UTC)
    assert (call.billable_seconds, call.account_code) == (123, "ORG-1001")
    assert json.loads(call.body) == CALL


@pytest.mark.parametrize(
    ("billable", "seconds"),
    [(123, 123), (122.2, 123), ("122.001", 123), (0, 0), (None, 123)],
)
def test_seconds_are_rounded_up(billable: Any, seconds: int) -> None:
    assert record_of(billable_s=billable).billable_seconds == seconds


def test_an_unanswered_call_has_no_seconds() -> None:
    call = record_of(answered_at=None, billable_s=None)
    assert (call.answered_at, call.billable_seconds) == (None, 0)


def test_times_are_turned_into_utc_around_a_clock_change() -> None:
    call = record_of(
        invited_at=None,
        answered_at="2026-10-25T02:30:00+02:00",
        ended_at="2026-10-25T02:30:00+01:00",
        billable_s=None,
    )
    assert call.answered_at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert call.billable_seconds == 3600


def test_contradicting_times_are_flagged_and_the_seconds_given_count() -> None:
    call = record_of(ended_at="2026-11-22T02:00:01Z", billable_s=None, duration_s=60)
    assert (call.billable_seconds, call.flags) == (60, "clock_skew")


def test_masked_anonymous_and_emergency_numbers() -> None:
    masked = record_of(to="+49301234***")
    assert (masked.callee, masked.flags) == ("+49301234", "masked")
    assert record_of(**{"from": "anonymous"}).caller is None
    assert record_of(to="119").kind == "emergency"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"source_record_id": ...}, "source_record_id is missing."),
        ({"source_record_id": "  "}, "source_record_id is missing."),
        ({"source_record_id": 7}, "source_record_id must be a text."),
        ({"source_record_id": "x" * 201}, "source_record_id is longer than 200"),
        ({"direction": "sideways"}, "direction must be outbound or inbound."),
        ({"direction": ["outbound"]}, "direction must be a text."),
        ({"to": ...}, "to is missing."),
        ({"to": 81312345678}, "to must be a text."),
        ({"ended_at": ...}, "ended_at is missing."),
        ({"ended_at": "yesterday"}, "ended_at is not a time"),
        ({"ended_at": 1795312929}, "ended_at is not a time"),
        ({"ended_at": "2026-11-22T02:02:09"}, "ended_at has no time zone."),
        ({"ended_at": "0001-01-01T00:00:00+14:00"}, "ended_at is not a plausible"),
        ({"answered_at": ...}, "answered_at is missing; write null"),
        ({"answered_at": None}, "billable_s is given although answered_at is null."),
        ({"billable_s": -1}, "billable_s is negative."),
        ({"billable_s": "abc"}, "billable_s must be a number of seconds."),
        ({"billable_s": True}, "billable_s must be a number of seconds."),
        ({"billable_s": "1e308"}, "billable_s must be a number of seconds."),
        ({"billable_s": [1]}, "billable_s must be a number of seconds."),
        ({"source": "sbc2"}, "source names another source than sbc1."),
        ({"user": "\ud800"}, "user has half a character in it."),
        (
            {"ended_at": "2026-11-22T02:00:01Z", "billable_s": ...},
            "ended_at is before answered_at, and no seconds are given.",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    changes: dict[str, Any], reason: str
) -> None:
    assert reason_of(**changes).startswith(reason)


def test_unknown_fields_are_refused_only_where_the_body_is_ours() -> None:
    assert record_of(colour="blue").source_record_id
    strict = replace(PROFILE, strict=True)
    assert reason_of(strict, colour="blue") == "Unknown field: colour."


def line(number: int) -> str:
    return json.dumps({**CALL, "source_record_id": f"r{number}"})


SHAPES = {
    "lines": "\n".join(map(line, range(4))),
    "windows lines": "\r\n".join(map(line, range(4))) + "\r\n",
    "byte order mark": "\ufeff" + "\n".join(map(line, range(4))),
    "array": "[" + ",\n".join(map(line, range(4))) + "]",
    "one line": "[" + ",".join(map(line, range(4))) + "]",
    "one after another": "".join(map(line, range(4))),
    "indented": "\n".join(
        json.dumps(json.loads(line(number)), indent=2) for number in range(4)
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("piece", [1, 7, 100, 100_000])
def test_a_file_has_one_of_three_shapes(shape: str, piece: int) -> None:
    raw = SHAPES[shape].encode()
    pieces = [raw[start : start + piece] for start in range(0, len(raw), piece)]
    found = [
        row.source_record_id
        for row in parse(pieces, PROFILE)
        if isinstance(row, CallRecordIn)
    ]
    assert found == ["r0", "r1", "r2", "r3"]


BAD: dict[str, str | bytes] = {
    "cut": line(1)[:40],
    "not JSON": "hello",
    "a number": "17",
    "a text": '"text"',
    "NaN": '{"billable_s": NaN}',
    "not UTF-8": line(1).replace("mei", "\udcc3").encode("utf-8", "surrogateescape"),
    "a zero": line(1).replace("mei", "\\u0000"),
    "deep": '{"a":' * 100_000,
    "endless digits": f'{{"billable_s": {"9" * 5000}}}',
    "a field of 10 MB": line(1).replace("mei", "x" * 10_000_000),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_row_costs_itself_alone(what: str) -> None:
    bad = BAD[what]
    raw = b"\n".join(
        [line(0).encode(), bad if isinstance(bad, bytes) else bad.encode(), b""]
    )
    raw += f"{line(2)}\n{line(3)}\n".encode()
    pieces = [raw[start : start + 65_536] for start in range(0, len(raw), 65_536)]
    rows = list(parse(pieces, PROFILE))
    good = [row.source_record_id for row in rows if isinstance(row, CallRecordIn)]
    errors = [row for row in rows if isinstance(row, RowError)]
    assert good == ["r0", "r2", "r3"]
    assert [error.line for error in errors] == [2]
    assert errors[0].reason.endswith(".")
    assert len(errors[0].body) <= 12_000
    assert [row.line for row in rows if isinstance(row, CallRecordIn)] == [1, 3, 4]


def test_a_file_that_is_cut_off_keeps_its_good_rows() -> None:
    rows = rows_of(SHAPES["array"][:-30])
    assert sum(isinstance(row, CallRecordIn) for row in rows) == 3
    assert isinstance(rows[-1], RowError)


def test_a_document_without_end_is_refused() -> None:
    rows = rows_of('{"a": "' + "x" * (2 * LONGEST_DOCUMENT))
    assert [type(row) for row in rows] == [RowError]


@given(st.binary(max_size=400))
def test_r10_any_bytes_become_rows_or_errors(raw: bytes) -> None:
    for row in parse(raw, PROFILE):
        assert isinstance(row, CallRecordIn | RowError)


@given(
    st.dictionaries(
        st.sampled_from(sorted(CALL)),
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(max_size=20)
        | st.floats()
        | st.lists(st.integers(), max_size=2),
    )
)
def test_r10_any_values_become_a_record_or_an_error(changes: dict[str, Any]) -> None:
    for row in rows_of(json.dumps({**CALL, **changes})):
        assert isinstance(row, CallRecordIn | RowError)
        if isinstance(row, CallRecordIn):
            assert row.billable_seconds >= 0
            row.source_record_id.encode()

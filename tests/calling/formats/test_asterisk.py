"""Asterisk's Master.csv: widths, the repeated hour, several rows of one call."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from calling.digest import digest_of
from tests.calling.formats.reading import (
    PROFILE,
    by_id,
    profile_with,
    record_of,
    records_of,
    refused,
    rows_of,
    sample,
)

NAME = "asterisk-csv"
SIXTEEN = (
    '"ORG-1001","+886223456789","+81312345678","outbound","""Lin"" <+886223456789>",'
    '"PJSIP/100-00000012","PJSIP/trunk-00000013","Dial","PJSIP/+81312345678@trunk",'
    '"2026-11-22 02:00:00","2026-11-22 02:00:06","2026-11-22 02:02:09",129,123,'
    '"ANSWERED","DOCUMENTATION"'
)


def row(*extra: str, **changes: str) -> bytes:
    """The row with values replaced and further columns, as a line."""
    text = SIXTEEN
    for old, new in changes.items():
        text = text.replace(NAMED[old], new, 1)
    return ",".join([text, *(f'"{value}"' for value in extra)]).encode() + b"\n"


NAMED = {
    "context": '"outbound"',
    "dst": '"+81312345678"',
    "answer": "2026-11-22 02:00:06",
    "far": '"PJSIP/trunk-00000013"',
    "near": '"PJSIP/100-00000012"',
    "disposition": '"ANSWERED"',
    "start": "2026-11-22 02:00:00",
    "end": "2026-11-22 02:02:09",
    "durations": "129,123",
}


def test_the_sample_of_the_manual_is_read() -> None:
    record = record_of(NAME, row("1795312800.42", ""))
    assert (record.caller, record.callee) == ("+886223456789", "+81312345678")
    assert (record.direction, record.account_code) == ("outbound", "ORG-1001")
    assert record.answered_at == datetime(2026, 11, 22, 2, 0, 6, tzinfo=UTC)
    assert (record.billable_seconds, record.user) == (123, "100")
    assert (record.trunk, record.call_id) == ("trunk", "1795312800.42")


@pytest.mark.parametrize(
    ("extra", "call_id"),
    [
        ((), ""),
        (("1795312800.42",), "1795312800.42"),
        (("a note",), ""),
        (("pbx1-1795312800.42", "a note"), "pbx1-1795312800.42"),
        (("peer", "1795312800.1", "7"), "1795312800.1"),
        (("1795312800.42", "peer", "1795312800.1", "7"), "1795312800.1"),
        (("a note", "peer", "1795312800.1", "7"), "1795312800.1"),
        (("1795312800.42", "a note", "peer", "1795312800.1", "7"), "1795312800.1"),
    ],
)
def test_every_width_is_read(extra: tuple[str, ...], call_id: str) -> None:
    """Sixteen to twenty-one; one extra column is told by its look."""
    assert record_of(NAME, row(*extra)).call_id == call_id


@pytest.mark.parametrize("count", [6, 9])
def test_another_width_is_refused(count: int) -> None:
    (reason,) = refused(NAME, row(*["x"] * count))
    assert reason.startswith(f"The row has {16 + count} columns")


def test_a_profile_settles_what_a_width_means() -> None:
    profile = profile_with(extra_columns=["userfield"])
    record = record_of(NAME, row("1795312800.42"), profile)
    assert "1795312800.42" not in record.source_record_id
    assert refused(NAME, row("1795312800.42", "x"), profile) == [
        "The row has 18 columns; an Asterisk writes 17 here."
    ]


def test_one_uniqueid_on_several_rows_is_several_records() -> None:
    """A transfer: sequence tells them apart, and without it the row does."""
    first, second = (
        ("1795312800.42", "", "", "", "1"),
        ("1795312800.42", "", "", "", "2"),
    )
    assert ids(row(*first) + row(*second)) == {"1795312800.42#1", "1795312800.42#2"}
    without = row("1795312800.42", "") + row("1795312800.42", "", dst='"+819012345678"')
    assert len(ids(without)) == 2
    assert len(records_of(NAME, sample(NAME))) == 12
    transferred = [
        r for r in records_of(NAME, sample(NAME)) if "1795313520.4" in r.call_id
    ]
    assert {r.billable_seconds for r in transferred} == {60}


def ids(data: bytes) -> set[str]:
    return {record.source_record_id for record in records_of(NAME, data)}


def test_equal_rows_without_an_id_are_several_calls_and_the_file_may_grow() -> None:
    once, twice = ids(row()), ids(row() * 2)
    assert (len(once), len(twice)) == (1, 2)
    assert once < twice
    assert ids(row("1795312800.42", "") * 2) == ids(row("1795312800.42", ""))


def test_the_same_id_with_other_seconds_is_a_correction() -> None:
    extra = ("1795312800.42", "", "", "", "1")
    first, second = records_of(
        NAME, row(*extra) + row(*extra, durations="189,183", end="2026-11-22 02:03:09")
    )
    assert first.source_record_id == second.source_record_id
    assert digest_of(first) != digest_of(second)


@pytest.mark.parametrize("said", ["NO ANSWER", "BUSY", "FAILED", "CONGESTION"])
def test_a_call_that_was_not_answered_bills_nothing(said: str) -> None:
    record = record_of(NAME, row(disposition=f'"{said}"'))
    assert (record.answered_at, record.billable_seconds) == (None, 0)


def test_an_empty_answer_is_unanswered_and_may_not_have_seconds() -> None:
    assert record_of(NAME, row(answer="", durations="30,0")).answered_at is None
    assert refused(NAME, row(answer="")) == [
        "answer is empty although billsec is not 0."
    ]


def test_times_are_local_to_the_source() -> None:
    record = record_of(NAME, row(), profile_with(zone="Asia/Taipei"))
    assert record.answered_at == datetime(2026, 11, 21, 18, 0, 6, tzinfo=UTC)


BERLIN = profile_with(zone="Europe/Berlin")
SUMMER = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # half past two, the first time


@pytest.mark.parametrize("hours", [0, 1])
def test_the_uniqueid_tells_which_of_the_two_hours_it_was(hours: int) -> None:
    """Clocks in Berlin go back at three on 25 October 2026."""
    began = SUMMER + timedelta(hours=hours)
    data = night("02:30:00", "02:30:06", "02:32:09", f"{int(began.timestamp())}.42", "")
    record = record_of(NAME, data, BERLIN)
    assert record.invited_at == began
    assert (record.billable_seconds, record.flags) == (123, "")


def night(start: str, answer: str, end: str, *extra: str) -> bytes:
    day = "2026-10-25"
    return row(
        *extra, start=f"{day} {start}", answer=f"{day} {answer}", end=f"{day} {end}"
    )


def test_a_call_over_the_change_is_placed_by_the_seconds_counted() -> None:
    record = record_of(NAME, night("02:58:51", "02:58:57", "02:01:00"), BERLIN)
    assert record.answered_at == SUMMER + timedelta(minutes=28, seconds=57)
    assert record.ended_at == SUMMER + timedelta(minutes=31)
    assert (record.billable_seconds, record.flags) == (123, "")


def test_where_nothing_tells_the_earlier_hour_is_taken_and_said() -> None:
    record = record_of(NAME, night("02:30:00", "02:30:06", "02:32:09"), BERLIN)
    assert record.invited_at == SUMMER
    assert record.flags == "estimated"


def test_a_call_that_reached_no_trunk_is_internal() -> None:
    """Voicemail and menus; but what came in over a trunk used that trunk."""
    assert record_of(NAME, row(far='""')).kind == "on_net"
    assert record_of(NAME, row(far='""', context='"from-trunk"')).kind == ""
    extension = record_of(NAME, row(dst='"101"', far='"PJSIP/101-00000013"'))
    assert (extension.kind, extension.trunk) == ("on_net", "")
    assert record_of(NAME, row(far='""', dst='"119"')).kind == "emergency"
    assert by_id(NAME, "1795314000.10").kind == "on_net"


def test_the_context_tells_the_direction() -> None:
    record = record_of(NAME, row(context='"from-trunk"', near='"PJSIP/tata-00000012"'))
    assert (record.direction, record.trunk) == ("inbound", "tata")
    assert record_of(NAME, row(context='"sales"')).direction == ""
    profile = replace(PROFILE, direction_map={"sales": "outbound"})
    assert record_of(NAME, row(context='"sales"'), profile).direction == "outbound"


def test_a_last_line_that_is_still_being_written_is_left_alone() -> None:
    data = row("1795312800.1", "") + row("1795312801.2", "")
    for cut in range(1, len(row("1795312801.2", ""))):
        assert len(rows_of(NAME, data[:-cut])) == 1, cut
    assert len(rows_of(NAME, data)) == 2


def test_doubled_quotes_and_line_breaks_inside_a_field() -> None:
    data = SIXTEEN.replace('""Lin""', '""Lin,\n""""Mei""').encode() + b"\n"
    assert record_of(NAME, data).billable_seconds == 123


def test_a_header_that_somebody_added_is_stepped_over() -> None:
    header = b"accountcode,src,dst,dcontext\n"
    assert len(rows_of(NAME, header + row())) == 1


def test_times_that_contradict_are_flagged_and_the_seconds_counted_stand() -> None:
    record = record_of(NAME, row(end="2026-11-22 01:00:00"))
    assert (record.billable_seconds, record.flags) == (123, "clock_skew")


def test_the_wrong_charset_refuses_its_row_alone() -> None:
    data = row().replace(b"Lin", "林".encode("big5")) + row()
    assert len(records_of(NAME, data)) == 1
    assert refused(NAME, data) == ["The row is not in the charset of the source."]
    assert len(records_of(NAME, data, profile_with(charset="big5"))) == 2


def test_ten_thousand_rows_are_read() -> None:
    data = b"".join(row(f"17953128{n:05d}.1", "") for n in range(10_000))
    assert len(ids(data)) == 10_000

"""Generic CSV: headers, charsets, decimal commas and times without a zone."""

from datetime import UTC, datetime

import pytest

from tests.calling.formats.reading import (
    by_id,
    profile_with,
    record_of,
    records_of,
    refused,
)

HEADER = (
    "source_record_id,direction,from,to,answered_at,ended_at,billable_s,account_code"
)
ROW = (
    "c1,outbound,+886223456789,+81312345678,"
    "2026-11-22T02:00:06Z,2026-11-22T02:02:09Z,123,ORG-1001"
)
SWITCH_CSV = (
    '"Reception","+886223456789","+81312345678","default","2026-11-22 10:00:00",'
    '"2026-11-22 10:00:06","2026-11-22 10:02:09","129","123","NORMAL_CLEARING",'
    '"0f7c2a10","","ORG-1001","PCMU","PCMU"\n'
)


def csv(*rows: str, header: str = HEADER) -> bytes:
    return ("\n".join([header, *rows]) + "\n").encode()


def test_the_usual_row_is_read() -> None:
    record = record_of("generic-csv", csv(ROW))
    assert (record.source_record_id, record.direction) == ("c1", "outbound")
    assert (record.caller, record.callee) == ("+886223456789", "+81312345678")
    assert record.answered_at == datetime(2026, 11, 22, 2, 0, 6, tzinfo=UTC)
    assert (record.billable_seconds, record.account_code) == (123, "ORG-1001")
    assert (record.line, record.body) == (2, f"{HEADER}\n{ROW}")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_header_tells_the_delimiter(delimiter: str) -> None:
    data = csv(ROW).decode().replace(",", delimiter).encode()
    assert record_of("generic-csv", data).billable_seconds == 123


def test_columns_stand_in_any_order_and_unknown_ones_are_ignored() -> None:
    header = "colour,to,ended_at,answered_at,direction,source_record_id"
    row = "red,+81312345678,2026-11-22T02:02:09Z,2026-11-22T02:00:06Z,outbound,c1"
    record = record_of("generic-csv", csv(row, header=header))
    assert (record.callee, record.billable_seconds) == ("+81312345678", 123)


def test_an_empty_answer_is_unanswered_and_a_missing_column_is_refused() -> None:
    record = by_id("generic-csv", "unanswered")
    assert (record.answered_at, record.billable_seconds) == (None, 0)
    header = HEADER.replace("answered_at,", "")
    assert refused("generic-csv", csv("x", header=header)) == [
        "The column answered_at is missing from the header."
    ]


def test_a_profile_renames_columns_and_reads_a_decimal_comma() -> None:
    profile = profile_with(
        columns={"Gesprächs-ID": "source_record_id", "Dauer": "billable_s"},
        decimal_comma=True,
    )
    header = "gesprächs-id;direction;to;answered_at;ended_at;DAUER"
    row = "c1;outbound;+81312345678;2026-11-22T02:00:06Z;2026-11-22T02:02:09Z;122,5"
    record = record_of("generic-csv", csv(row, header=header), profile)
    assert (record.source_record_id, record.billable_seconds) == ("c1", 123)


def test_mod_cdr_csv_has_no_header_and_local_times() -> None:
    """FreeSWITCH's template: a context for a direction, Taipei's clock."""
    names = (
        "caller_id_name from to direction invited_at answered_at ended_at duration_s "
        "billable_s hangup_cause source_record_id bleg_uuid account_code read write"
    )
    profile = profile_with(zone="Asia/Taipei", header=names.split())
    profile = type(profile)(
        **{**vars(profile), "direction_map": {"default": "outbound"}}
    )
    record = record_of("generic-csv", SWITCH_CSV.encode(), profile)
    assert (record.direction, record.source_record_id) == ("outbound", "0f7c2a10")
    assert record.answered_at == datetime(2026, 11, 22, 2, 0, 6, tzinfo=UTC)
    assert record.billable_seconds == 123
    unknown = SWITCH_CSV.replace('"default"', '"elsewhere"').encode()
    assert refused("generic-csv", unknown, profile) == [
        "direction must be outbound or inbound."
    ]


@pytest.mark.parametrize(
    ("charset", "codec"),
    [
        ("utf-8", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("gb18030", "gb18030"),
        ("big5", "big5"),
    ],
)
def test_each_charset_of_a_profile_is_read(charset: str, codec: str) -> None:
    data = csv(f"{ROW},王大明", header=f"{HEADER},user").decode().encode(codec)
    record = record_of("generic-csv", data, profile_with(charset=charset))
    assert record.user == "王大明"


def test_windows_1252_is_read() -> None:
    data = csv(f"{ROW},Zoë€", header=f"{HEADER},user").decode().encode("cp1252")
    assert (
        record_of("generic-csv", data, profile_with(charset="Windows-1252")).user
        == "Zoë€"
    )


def test_a_byte_order_mark_is_believed_whatever_the_profile_says() -> None:
    data = csv(f"{ROW},王", header=f"{HEADER},user").decode().encode("utf-16")
    assert record_of("generic-csv", data).user == "王"


def test_the_wrong_charset_refuses_its_rows_alone() -> None:
    rows = (f"{ROW},mei", f"{ROW.replace('c1', 'c2')},王")
    data = csv(*rows, header=f"{HEADER},user").decode().encode("big5")
    assert [r.source_record_id for r in records_of("generic-csv", data)] == ["c1"]
    assert refused("generic-csv", data) == [
        "The row is not in the charset of the source."
    ]


@pytest.mark.parametrize(
    ("answered", "ended", "seconds", "flags"),
    [
        # Berlin's clocks go back at three on 25 October: half past two comes twice.
        ("2026-10-25 02:30:00", "2026-10-25 02:40:00", 600, "estimated"),
        ("2026-10-25 01:59:00", "2026-10-25 02:01:00", 120, ""),
        ("2026-10-25 02:59:00", "2026-10-25 02:01:00", 120, ""),
        ("2026-10-25 02:30:00", "2026-10-25 03:10:00", 2400, ""),
        ("2026-10-25 02:30:00", "2026-10-25 03:10:00", 6000, ""),
        # And forward at two on 29 March: the hour after two is no time at all.
        ("2026-03-29 01:59:00", "2026-03-29 03:01:00", 120, ""),
    ],
)
def test_times_without_a_zone_around_a_clock_change(
    answered: str, ended: str, seconds: int, flags: str
) -> None:
    row = f"c1,outbound,,+81312345678,{answered},{ended},{seconds},"
    record = record_of("generic-csv", csv(row), profile_with(zone="Europe/Berlin"))
    assert record.answered_at is not None
    assert (record.ended_at - record.answered_at).total_seconds() == seconds
    assert record.flags == flags


def test_a_row_that_is_cut_off_is_refused() -> None:
    cut = ROW[: ROW.index(",123")]
    assert refused("generic-csv", csv(ROW, cut)) == [
        "The row has 6 cells and the header has 8; it may be cut off."
    ]


def test_a_quotation_mark_that_is_never_closed_costs_its_line_alone() -> None:
    bad = ROW.replace("c1,", '"c0,')
    rows = [ROW.replace("c1", f"c{n}") for n in range(1, 100)]
    data = csv(bad, *rows)
    assert len(records_of("generic-csv", data)) == 99
    assert refused("generic-csv", data) == ["A quotation mark is not closed."]


def test_a_line_without_an_end_is_given_up() -> None:
    data = csv(ROW) + b"x" * 500_000 + b"\n" + ROW.replace("c1", "c2").encode()
    assert [r.line for r in records_of("generic-csv", data)] == [2, 4]
    assert refused("generic-csv", data) == [
        "The line is longer than 64,000 characters."
    ]


def test_a_cell_may_go_over_several_lines() -> None:
    data = csv(f'{ROW},"Mei\nof ""Formosa"""', header=f"{HEADER},user")
    assert record_of("generic-csv", data).user == 'Mei\nof "Formosa"'


@pytest.mark.parametrize(
    ("cell", "bad", "reason"),
    [
        (",123,", ",-1,", "billable_s is negative."),
        (",123,", ",12E,", "billable_s must be a number of seconds."),
        ("outbound", "sideways", "direction must be outbound or inbound."),
        ("2026-11-22T02:02:09Z", "", "ended_at is missing."),
        (
            "2026-11-22T02:02:09Z",
            "22.11.2026",
            "ended_at is not a time such as 2026-11-22 02:00:06.",
        ),
        ("c1", "", "source_record_id is missing."),
        ("+81312345678", "", "to is missing."),
    ],
)
def test_a_bad_cell_is_named(cell: str, bad: str, reason: str) -> None:
    assert refused("generic-csv", csv(ROW.replace(cell, bad, 1))) == [reason]


def test_a_header_with_a_column_twice_is_refused() -> None:
    assert refused("generic-csv", csv(ROW, header=HEADER.replace("from", "to"))) == [
        "The column to is in the header twice."
    ]
    assert refused("generic-csv", b"") == ["The file is empty."]


def test_ten_thousand_rows_are_read() -> None:
    rows = (ROW.replace("c1", f"c{n}") for n in range(10_000))
    found = records_of("generic-csv", csv(*rows))
    assert len({record.source_record_id for record in found}) == 10_000
    assert found[-1].line == 10_001


def test_a_transfer_is_a_flag_and_a_new_word_settles_by_direction() -> None:
    assert by_id("generic-csv", "transferred").call_type == "user_out_transfer"
    assert by_id("generic-csv", "new-word").direction == "outbound"

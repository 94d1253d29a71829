"""Microsoft's calls: Graph's pages and the admin centre's export are one record."""

import io
import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calling.digest import digest_of
from calling.formats import export_zip
from calling.formats.record import CallRecordIn, RowError
from tests.calling.formats.reading import (
    SAMPLES,
    by_id,
    in_pieces,
    profile_with,
    record_of,
    records_of,
    refused,
    rows_of,
    sample,
    told,
)

HAPPY = "6f1f2f0e-1111-4222-8333-944455556666"
PSTN_CSV = "PSTN.calls.2026-11-22.csv"
ROUTING_CSV = "DirectRouting.calls.2026-11-22.csv"


def graph_rows(name: str) -> list[dict[str, Any]]:
    pages = [json.loads(line) for line in sample(name).splitlines()]
    return [row for page in pages for row in page["value"]]


ROW = graph_rows("graph-pstn")[0]
ROUTED = graph_rows("graph-direct-routing")[0]


def pstn(**changes: Any) -> CallRecordIn:
    return record_of("graph-pstn", json.dumps(ROW | changes).encode())


def routed(**changes: Any) -> CallRecordIn:
    return record_of("graph-direct-routing", json.dumps(ROUTED | changes).encode())


def exported(file: str, row: int = 1, **changes: str) -> bytes:
    """The header and one row of an export, with cells changed by column."""
    lines = (SAMPLES / file).read_text("utf-8-sig").splitlines()
    names, cells = lines[0].split(","), lines[row].split(",")
    for name, value in changes.items():
        cells[names.index(name.replace("_", " "))] = value
    return f"{lines[0]}\r\n{','.join(cells)}\r\n".encode()


# --- Graph ------------------------------------------------------------------------


def test_the_sample_of_the_manual_is_read() -> None:
    record = pstn()
    assert record.source_record_id == HAPPY
    assert (record.direction, record.call_type) == ("outbound", "user_out")
    assert (record.caller, record.callee) == ("+886223456789", "+81312345678")
    assert (record.billable_seconds, record.user) == (123, "mei@contoso.example")
    assert record.call_id == "55110022_7788@203.0.113.9"


def test_seven_digits_behind_the_second_are_cut_to_six() -> None:
    assert pstn().answered_at == datetime(2026, 11, 22, 2, 0, 6, 123456, UTC)


def test_the_same_call_from_graph_and_from_the_export_is_one_record() -> None:
    """Every row of the two samples; fractions, case and nulls make no difference."""
    graph = {digest_of(r): r for r in records_of("graph-pstn", sample("graph-pstn"))}
    export = records_of("teams-export", sample("teams-export"))
    assert {digest_of(record) for record in export} == set(graph)
    for record in export:
        twin = graph[digest_of(record)]
        assert twin.source_record_id == record.source_record_id
        assert twin.is_covered == record.is_covered
    upper = exported(PSTN_CSV, UsageId=HAPPY.upper(), UPN="Mei@Contoso.example")
    assert digest_of(record_of("teams-export", upper)) == digest_of(pstn())


def test_seconds_are_the_ones_that_microsoft_counted() -> None:
    """A fraction more or less must not make a correction of the other feed's row."""
    record = pstn(endDateTime="2026-11-22T02:02:09.9000000Z")
    assert (record.billable_seconds, record.flags) == (123, "")
    assert digest_of(record) == digest_of(pstn())


def test_a_duration_that_contradicts_the_times_gives_way_to_them() -> None:
    record = pstn(duration=60)
    assert (record.billable_seconds, record.flags) == (123, "estimated")


def test_a_duration_stands_where_the_clock_went_back() -> None:
    record = pstn(endDateTime="2026-11-22T01:00:00Z")
    assert (record.billable_seconds, record.flags) == (123, "clock_skew")


def test_a_bot_has_no_duration_and_no_user() -> None:
    record = by_id("graph-pstn", "bot")
    assert (record.billable_seconds, record.user) == (60, "")


def test_zero_seconds_are_answered_only_where_money_was_taken() -> None:
    assert by_id("graph-pstn", "unanswered").answered_at is None
    zero = by_id("graph-pstn", "zero")
    assert (zero.answered_at is None, zero.billable_seconds) == (False, 0)


def test_an_inbound_call_has_either_end_checked_against_our_numbers() -> None:
    """Caller ID of a call in may be the number that received it."""
    assert pstn(callType="user_in").ends_unsure
    assert not pstn().ends_unsure


def test_caller_id_may_be_the_number_that_was_dialled() -> None:
    dialled = pstn(callerNumber="+81312345678", calleeNumber=None)
    assert (dialled.caller_raw, dialled.callee) == ("", "+81312345678")
    both = pstn(callerNumber="+81312345678")
    assert (both.caller_raw, both.callee) == ("", "+81312345678")


@pytest.mark.parametrize(
    ("capability", "covered"),
    [
        ("MCOPSTNPP", False),
        ("MCOPSTN2", True),
        ("MCOMEETADD", True),
        ("MCOSOMETHINGNEW", True),
        (None, False),
    ],
)
def test_only_communications_credits_draw_credits(
    capability: str | None, *, covered: bool
) -> None:
    assert pstn(licenseCapability=capability).is_covered is covered


def test_a_source_may_name_more_capabilities_that_draw_credits() -> None:
    profile = profile_with(credit_capabilities=["MCOPSTN2"])
    data = json.dumps(ROW | {"licenseCapability": "MCOPSTN2"}).encode()
    assert not record_of("graph-pstn", data, profile).is_covered


def test_a_call_that_microsoft_gave_away_is_free_and_flagged() -> None:
    record = pstn(licenseCapability="FREECALL")
    assert (record.is_free, record.flags) == (True, "supplier_free")


@pytest.mark.parametrize(
    ("word", "direction", "kind"),
    [
        ("user_in", "inbound", ""),
        ("unassigned_in", "inbound", ""),
        ("conf_in", "inbound", ""),
        ("conf_out", "outbound", ""),
        ("user_out_forwarding", "outbound", ""),
        ("ucap_out", "outbound", ""),
        ("hologram_in", "inbound", ""),
        ("hologram", "", ""),
    ],
)
def test_the_word_tells_the_direction(word: str, direction: str, kind: str) -> None:
    record = pstn(callType=word)
    assert (record.direction, record.kind, record.call_type) == (direction, kind, word)


def test_pages_may_be_small_and_one_row_longer_than_a_piece() -> None:
    pages = b"".join(
        json.dumps({"@odata.count": 1, "value": [ROW | {"id": f"r{n}"}]}).encode()
        for n in range(50)
    )
    assert len(records_of("graph-pstn", in_pieces(pages, 50))) == 50
    empty = b'{"@odata.context": "x", "value": []}'
    assert rows_of("graph-pstn", empty * 3) == []


def test_a_page_longer_than_any_record_is_read_row_by_row() -> None:
    rows = [ROW | {"id": f"r{n}"} for n in range(10_000)]
    page = json.dumps({"@odata.count": 10_000, "value": rows, "@odata.nextLink": "x"})
    assert len(page) > 1_000_000
    assert len(records_of("graph-pstn", in_pieces(page.encode(), 65536))) == 10_000


def test_rows_may_stand_alone_in_a_list_or_line_by_line() -> None:
    lines = "\n".join(json.dumps(row) for row in graph_rows("graph-pstn"))
    array = json.dumps(graph_rows("graph-pstn"))
    expected = [told(r) for r in records_of("graph-pstn", sample("graph-pstn"))]
    for data in (lines, array):
        records = records_of("graph-pstn", data.encode())
        assert [told(record) | {"line": 0} for record in records] == expected


def test_an_error_of_graph_is_no_page() -> None:
    assert refused("graph-pstn", b'{"error": {"code": "Forbidden"}}') == [
        "This is an answer of Graph that says an error, not a page."
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": None}, "usageid is missing."),
        ({"callType": ""}, "call type is missing."),
        ({"startDateTime": None}, "start time is missing."),
        (
            {"startDateTime": "yesterday"},
            "start time is not a time such as 2026-11-22T02:00:06Z.",
        ),
        ({"startDateTime": "2026-13-22T02:00:06Z"}, None),
        ({"duration": -3}, "duration seconds is negative."),
        ({"endDateTime": None, "duration": None}, None),
        ({"endDateTime": "2026-11-22T01:00:00Z", "duration": None}, None),
    ],
)
def test_what_is_wrong_with_a_row_is_named(
    changes: dict[str, Any], reason: str | None
) -> None:
    (found,) = refused("graph-pstn", json.dumps(ROW | changes).encode())
    assert reason is None or found == reason


# --- Direct Routing -----------------------------------------------------------------


def test_a_direct_routing_row_is_read() -> None:
    record = routed()
    assert (record.direction, record.billable_seconds) == ("outbound", 65)
    assert record.answered_at == datetime(2026, 11, 22, 2, 0, 25, 105000, UTC)
    assert record.trunk == "sbc1.formosa.example"
    assert record.call_id == ROUTED["correlationId"]


def test_the_year_one_means_that_it_did_not_happen() -> None:
    record = by_id("graph-direct-routing", "unanswered")
    assert (record.answered_at, record.billable_seconds) == (None, 0)
    assert refused(
        "graph-direct-routing",
        json.dumps(ROUTED | {"startDateTime": "0001-01-01T00:00:00Z"}).encode(),
    ) == ["start time is missing."]


def test_a_code_of_zero_is_no_failure() -> None:
    assert ROUTED["finalSipCode"] == 0
    assert routed().answered_at is not None


def test_both_numbers_may_be_masked_and_neither_keeps_a_star() -> None:
    record = by_id("graph-direct-routing", "masked")
    assert (record.caller, record.callee) == ("+88622345", "+8131234")
    assert (record.caller_raw, record.flags) == ("+88622345****", "masked")


@pytest.mark.parametrize("caller", ["Lin Mei-hua", "+1001", "1001"])
def test_a_caller_may_be_a_name_or_an_extension(caller: str) -> None:
    record = routed(callerNumber=caller)
    assert (record.caller, record.caller_raw) == (None, caller)
    assert record.callee == "+81312345678"


def test_several_rows_share_a_correlation() -> None:
    records = records_of("graph-direct-routing", sample("graph-direct-routing"))
    assert len({record.call_id for record in records}) == 1
    assert len({record.source_record_id for record in records}) == 9


def test_an_emergency_call_is_told_by_the_number_in_any_spelling() -> None:
    assert by_id("graph-direct-routing", "emergency").kind == "emergency"
    record = routed(callType="ByotOut", calleeNumber="sip:+119@sbc1.formosa.example")
    assert record.kind == "emergency"


def test_success_must_be_said() -> None:
    data = json.dumps(ROUTED | {"successfulCall": "yes"}).encode()
    assert refused("graph-direct-routing", data) == [
        "successfulCall must be true or false."
    ]


# --- the export ---------------------------------------------------------------------


def test_the_exports_duration_begins_with_the_invitation_and_is_not_billed() -> None:
    """The file says 69 seconds, the call lasted 65."""
    assert b",69,Yes," in exported(ROUTING_CSV)
    record = record_of("direct-routing-csv", exported(ROUTING_CSV))
    assert record.billable_seconds == 65


def test_a_row_without_an_id_is_known_by_what_it_says() -> None:
    first = record_of("direct-routing-csv", exported(ROUTING_CSV))
    assert first.source_record_id == (
        "c1c1c1c1-a937-4b81-b8a8-3992afde0001 2026-11-22t02:00:25z +81312345678 dr_out"
    )
    fraction = exported(ROUTING_CSV, Start_time="2026-11-22T02:00:25.0000000Z")
    again = record_of("direct-routing-csv", fraction)
    assert again.source_record_id == first.source_record_id


def test_transferred_legs_are_linked_and_each_is_a_record() -> None:
    record = record_of("direct-routing-csv", exported(ROUTING_CSV, 4))
    assert (record.call_id, record.call_type) == ("shared-1", "dr_out_user_transfer")


def test_an_older_header_calls_the_user_by_address() -> None:
    data = exported(ROUTING_CSV).replace(b"UPN", b"SIP Address")
    assert record_of("direct-routing-csv", data).user == "mei@contoso.example"


def test_yes_and_no_are_the_only_answers() -> None:
    assert refused("direct-routing-csv", exported(ROUTING_CSV, Success="Maybe")) == [
        "success must be Yes or No."
    ]


def test_columns_are_matched_by_header_whatever_their_order() -> None:
    rows = [line.split(",") for line in exported(PSTN_CSV).decode().splitlines()]
    turned = "\n".join(",".join(["new", *reversed(row)]) for row in rows)
    assert record_of("teams-export", turned.encode()).source_record_id == HAPPY


def test_headers_in_another_language_are_the_column_profiles() -> None:
    data = exported(PSTN_CSV).replace(b"UsageId", "使用識別碼".encode())
    assert refused("teams-export", data) == [
        "The column usageid is missing from the header."
    ]
    profile = profile_with(columns={"使用識別碼": "UsageId".lower()})
    assert record_of("teams-export", data, profile).source_record_id == HAPPY


def test_the_export_takes_either_file_alone() -> None:
    pstn_rows = records_of("teams-export", (SAMPLES / PSTN_CSV).read_bytes())
    routing = records_of("teams-export", (SAMPLES / ROUTING_CSV).read_bytes())
    assert (len(pstn_rows), len(routing)) == (13, 11)
    assert refused("direct-routing-csv", (SAMPLES / PSTN_CSV).read_bytes()) == [
        "The column correlationid is missing from the header."
    ]


# --- the ZIP --------------------------------------------------------------------------


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


GOOD = {
    PSTN_CSV: (SAMPLES / PSTN_CSV).read_bytes(),
    ROUTING_CSV: (SAMPLES / ROUTING_CSV).read_bytes(),
    "parameters.json": b"{}",
}


@pytest.mark.parametrize("size", [1, 1000, 10**6])
def test_the_export_is_read_out_of_its_zip(size: int) -> None:
    data = zipped(GOOD)
    assert len(records_of("teams-export", in_pieces(data, size))) == 24
    assert refused("teams-export", data) == []


@pytest.mark.parametrize(
    "name",
    [
        "../PSTN.calls.2026-11-22.csv",
        "/PSTN.calls.2026-11-22.csv",
        "folder/PSTN.calls.2026-11-22.csv",
        "PSTN.calls.2026-11-22.csv.exe",
        "PSTN.calls..csv",
        "notes.txt",
    ],
)
def test_only_files_of_known_names_are_read(name: str) -> None:
    data = zipped(GOOD | {name: GOOD[PSTN_CSV]})
    assert len(records_of("teams-export", data)) == 24
    assert refused("teams-export", data) == [f"{name} is not a file of a usage export."]


def test_more_than_ten_files_are_refused() -> None:
    files = {f"PSTN.calls.2026-11-{day:02}.csv": GOOD[PSTN_CSV] for day in range(1, 12)}
    assert refused("teams-export", zipped(files)) == [
        "The ZIP holds more than 10 files."
    ]


def test_what_is_packed_too_tightly_is_refused() -> None:
    bomb = zipped({PSTN_CSV: GOOD[PSTN_CSV] + b"\r\n" * 50_000_000})
    assert refused("teams-export", bomb) == [
        f"{PSTN_CSV} is packed too tightly to be a file of calls."
    ]


def test_what_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    small = replace(export_zip.LIMITS, largest_member=1000)
    monkeypatch.setattr(export_zip, "LIMITS", small)
    assert refused("teams-export", zipped({PSTN_CSV: GOOD[PSTN_CSV]})) == [
        f"{PSTN_CSV} is larger than 1,000 bytes."
    ]
    monkeypatch.setattr(export_zip, "LARGEST_FILE", 1000)
    assert refused("teams-export", zipped(GOOD)) == [
        "The ZIP is larger than 1,000 bytes."
    ]


def test_a_member_never_gives_more_than_it_declares() -> None:
    """The size in the directory is made smaller than what is packed."""
    data = zipped({PSTN_CSV: GOOD[PSTN_CSV]})
    size = len(GOOD[PSTN_CSV]).to_bytes(4, "little")
    lying = data.replace(size, (600).to_bytes(4, "little"))
    assert lying != data
    assert refused("teams-export", lying) == [f"{PSTN_CSV} is damaged."]
    assert records_of("teams-export", lying) == []


def test_a_zip_that_is_cut_off_is_refused() -> None:
    for cut in (1, 100, 1000):
        assert refused("teams-export", zipped(GOOD)[:-cut]) == [
            "This is not a ZIP, or not the whole of it."
        ]


def test_a_damaged_file_is_named_and_the_others_are_read() -> None:
    data = bytearray(zipped(GOOD, zipfile.ZIP_STORED))
    place = bytes(data).index(b"+81312345678")
    data[place + 4] ^= 1
    assert refused("teams-export", bytes(data)) == [f"{PSTN_CSV} is damaged."]
    assert len(records_of("teams-export", bytes(data))) == 11


@given(st.data())
def test_a_zip_with_any_bytes_in_it_becomes_records_or_errors(
    data: st.DataObject,
) -> None:
    original = zipped(GOOD)
    start = data.draw(st.integers(4, len(original)))
    noise = data.draw(st.binary(max_size=20))
    skip = data.draw(st.integers(0, 20))
    spoilt = original[:start] + noise + original[start + skip :]
    for row in rows_of("teams-export", spoilt):
        assert isinstance(row, CallRecordIn | RowError)


def test_an_encrypted_file_is_refused() -> None:
    data = bytearray(zipped({PSTN_CSV: GOOD[PSTN_CSV]}))
    data[6] |= 1  # the flag beside the file
    data[bytes(data).index(b"PK\x01\x02") + 8] |= 1  # and in the directory
    assert refused("teams-export", bytes(data)) == [f"{PSTN_CSV} is encrypted."]


def test_an_error_within_the_zip_says_in_which_file() -> None:
    bad = exported(PSTN_CSV, Call_Type="")
    assert refused("teams-export", zipped({PSTN_CSV: bad})) == [
        f"{PSTN_CSV}: call type is missing."
    ]


def test_ten_thousand_rows_are_read_out_of_a_zip() -> None:
    header, row = exported(PSTN_CSV).splitlines()
    rows = [row.replace(HAPPY.encode(), b"r%d" % n) for n in range(10_000)]
    # The many rows differ by their number alone, so they pack tightly: half do as well.
    data = zipped({PSTN_CSV: b"\r\n".join([header, *rows])}, zipfile.ZIP_STORED)
    found = records_of("teams-export", in_pieces(data, 65536))
    assert len({record.source_record_id for record in found}) == 10_000


def test_a_corrected_row_has_the_same_key_and_another_digest() -> None:
    first = record_of("teams-export", exported(PSTN_CSV))
    second = record_of("teams-export", exported(PSTN_CSV, 13))
    assert first.source_record_id == second.source_record_id
    assert digest_of(first) != digest_of(second)
    assert told(replace(first, body="")) != told(replace(second, body=""))

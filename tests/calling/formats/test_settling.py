"""Every sender's sample is taken in, settled and billed once, in any order."""

import json
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import Organisation, StaffTask
from calling.formats.record import Profile
from calling.import_calls import CallFile, ImportedCalls, import_calls
from calling.models import (
    CallRecord,
    Charge,
    RawRecord,
    Source,
)
from calling.replay import settle_waiting
from tests.calling.formats.reading import SAMPLE_OF, profile_with, sample
from tests.calling.formats.test_kamailio import BYE, CALL, HUNG_UP_BY_CALLEE, INVITE
from tests.calling.formats.test_microsoft import exported
from tests.calling.formats.test_samples import shuffled
from tests.calling.telephony import give_credit, make_card, make_line
from tests.makers import START

AT = datetime(2026, 11, 23, tzinfo=UTC)
EACH = pytest.mark.parametrize("name", sorted(SAMPLE_OF))
pytestmark = pytest.mark.usefixtures("card", "mei")


def take_file(
    source: Source,
    name: str,
    data: bytes | Iterable[dict[str, Any]],
    *,
    organisation: Organisation | None = None,
    profile: Profile | None = None,
) -> ImportedCalls:
    if not isinstance(data, bytes):
        data = "".join(json.dumps(one) + "\n" for one in data).encode()
    file = CallFile([data], name, profile or Profile.of(source), "sample")
    return import_calls(file, source, now=lambda: AT, organisation=organisation)


def counts(result: ImportedCalls) -> tuple[int, int, int, int]:
    return result.stored, result.duplicates, result.corrections, result.waiting


def bill() -> dict[str, tuple[str, int, int]]:
    """By record what was billed last: kind, seconds, micros."""
    current = Charge.objects.select_related("call_record")
    return {
        charge.call_record.source_record_id: (
            charge.kind,
            charge.billed_seconds,
            charge.rated_amount,
        )
        for charge in current.order_by("revision")
    }


# stored, duplicates, corrections, waiting; what waits is ambiguous, or half a call
EXPECTED = {
    "generic-csv": (8, 1, 1, 1),
    "freeswitch-xml": (7, 1, 1, 1),
    "asterisk-csv": (9, 1, 1, 1),
    "kamailio": (9, 1, 1, 2),
    "graph-pstn": (10, 1, 1, 1),
    "graph-direct-routing": (8, 1, 1, 1),
    "teams-export": (10, 1, 1, 1),
    "direct-routing-csv": (8, 1, 1, 1),
    "twilio": (9, 1, 1, 1),
}


@EACH
def test_a_sample_is_taken_in_once(
    name: str, pbx: Source, formosa: Organisation
) -> None:
    give_credit(formosa, "50")
    result = take_file(pbx, name, sample(name), organisation=formosa)
    assert result.rejected == 0
    assert counts(result) == EXPECTED[name]
    before = bill()
    again = take_file(pbx, name, sample(name), organisation=formosa)
    assert counts(again) == (0, sum(EXPECTED[name]), 0, 0)
    assert bill() == before
    reasons = set(
        RawRecord.objects.filter(state="waiting").values_list("reason", flat=True)
    )
    assert reasons - {"half_record"} == {"ambiguous_number"}


@EACH
def test_what_a_sample_costs(name: str, pbx: Source, formosa: Organisation) -> None:
    give_credit(formosa, "50")
    take_file(pbx, name, sample(name), organisation=formosa)
    costs = list(bill().values())
    assert ("emergency", 0, 0) in costs
    assert ("toll_in", 0, 0) in costs
    assert all(cost[0] != "domestic" for cost in costs)
    assert ("international", 0, 0) in costs  # nobody answered
    masked = CallRecord.objects.get(flags__contains="masked")
    assert masked.callee == "+8131234"
    assert bill()[masked.source_record_id][2] >= 21_000  # as +81, the longest seen


@EACH
def test_the_order_of_arrival_does_not_change_what_is_owed(
    name: str, pbx: Source, formosa: Organisation
) -> None:
    """But for the correction, of which the last to come is the last word."""
    data = without_corrections(name)
    give_credit(formosa, "50")
    take_file(pbx, name, data, organisation=formosa)
    expected, dice = bill(), random.Random(7)
    for turn in range(3):
        other = Source.objects.create(
            slug=f"pbx{turn}", name="again", home_country="TW"
        )
        take_file(other, name, shuffled(name, data, dice), organisation=formosa)
        found = Charge.objects.filter(call_record__source=other)
        assert {
            one.call_record.source_record_id: (
                one.kind,
                one.billed_seconds,
                one.rated_amount,
            )
            for one in found.select_related("call_record")
        } == expected


def without_corrections(name: str) -> bytes:
    """The sample without its last row, which corrects an earlier one."""
    data = sample(name)
    if name == "freeswitch-xml":
        return b"</cdr>\n".join(data.split(b"</cdr>\n")[:-2]) + b"</cdr>\n"
    if name in {"graph-pstn", "graph-direct-routing", "twilio"}:
        mixed = json.loads(shuffled(name, data, random.Random(0)))
        (rows,) = mixed.values()
        told = {"duration": {183, "183", 75}}
        kept = [row for row in rows if row.get("duration") not in told["duration"]]
        assert len(kept) == len(rows) - 1
        return json.dumps({next(iter(mixed)): kept}).encode()
    return b"".join(data.splitlines(keepends=True)[:-1])


# --- one call, two feeds -----------------------------------------------------------


def test_graph_and_export_of_one_tenant_bill_each_call_once(
    pbx: Source, formosa: Organisation
) -> None:
    give_credit(formosa, "50")
    take_file(pbx, "graph-pstn", sample("graph-pstn"), organisation=formosa)
    before = bill()
    result = take_file(
        pbx, "teams-export", sample("teams-export"), organisation=formosa
    )
    assert counts(result) == (0, 13, 0, 0)
    assert bill() == before


def test_a_call_that_the_suppliers_plan_paid_draws_no_credit(
    pbx: Source, formosa: Organisation
) -> None:
    give_credit(formosa, "50")
    plan = exported("PSTN.calls.2026-11-22.csv", Capability="MCOPSTN2")
    assert counts(take_file(pbx, "teams-export", plan)) == (1, 0, 0, 0)
    assert list(bill().values()) == [("international", 0, 0)]
    assert not StaffTask.objects.exists()


def test_a_call_that_the_supplier_gave_away_is_free_and_looked_at(
    pbx: Source, formosa: Organisation
) -> None:
    free = exported("PSTN.calls.2026-11-22.csv", Capability="FREECALL")
    take_file(pbx, "teams-export", free)
    assert list(bill().values()) == [("international", 0, 0)]
    assert CallRecord.objects.get().flags == "supplier_free"
    task = StaffTask.objects.get()
    assert task.kind == "supplier_free_calls"
    take_file(pbx, "teams-export", free.replace(b"6f1f2f0e", b"6f1f2f0f"))
    assert StaffTask.objects.count() == 1


def test_a_new_word_is_told_once_a_day(pbx: Source, formosa: Organisation) -> None:
    for _ in range(2):
        take_file(pbx, "generic-csv", sample("generic-csv"), organisation=formosa)
    task = StaffTask.objects.get(kind="new_call_type")
    assert task.reference == "pbx 2026-11-23 hologram_out"
    record = CallRecord.objects.get(source_record_id="new-word")
    assert record.kind == "international"


@pytest.mark.parametrize(
    ("caller", "callee"),
    [("+886223456789", "+819012345678"), ("+819012345678", "+886223456789")],
)
def test_an_inbound_call_is_ours_whichever_end_is_ours(
    pbx: Source, formosa: Organisation, caller: str, callee: str
) -> None:
    """Microsoft's Caller ID of a call in may be the number that received it."""
    data = exported(
        "PSTN.calls.2026-11-22.csv",
        Caller_ID=caller,
        Destination_Number=callee,
        Call_Type="user_in",
    )
    assert counts(take_file(pbx, "teams-export", data)) == (1, 0, 0, 0)
    record = CallRecord.objects.get()
    assert (record.caller, record.callee) == ("+819012345678", "+886223456789")
    assert counts(take_file(pbx, "teams-export", data)) == (0, 1, 0, 0)


# --- directions that nobody tells --------------------------------------------------


@pytest.mark.parametrize(
    ("caller", "callee", "direction"),
    [
        ("+886223456789", "+81312345678", "outbound"),
        ("+81312345678", "+886223456789", "inbound"),
    ],
)
def test_whose_the_numbers_are_tells_the_direction(
    pbx: Source, formosa: Organisation, caller: str, callee: str, direction: str
) -> None:
    call = CALL | {"src_user": caller, "dst_user": callee}
    assert counts(take_file(pbx, "kamailio", [call])) == (1, 0, 0, 0)
    assert CallRecord.objects.get().direction == direction


def test_a_call_between_our_own_is_internal(pbx: Source, formosa: Organisation) -> None:
    make_line(formosa, "+886223456790")
    call = CALL | {"dst_user": "+886223456790", "src_ip": "192.0.2.20"}
    take_file(pbx, "kamailio", [call])
    assert CallRecord.objects.get().kind == "on_net"


def test_a_direction_that_cannot_be_told_waits_until_the_source_tells_it(
    pbx: Source, formosa: Organisation
) -> None:
    call = CALL | {"src_user": "1001", "src_ip": "192.0.2.20"}
    result = take_file(pbx, "kamailio", [call], organisation=formosa)
    assert result.waiting == 1
    assert RawRecord.objects.get().reason == "unknown_direction"
    pbx.direction_map = {"192.0.2.20": "outbound"}
    pbx.save()
    assert len(settle_waiting(at=AT)) == 1
    assert list(bill().values()) == [("international", 180, 63_000)]


# --- halves ------------------------------------------------------------------------


@pytest.mark.parametrize("end", [BYE, HUNG_UP_BY_CALLEE])
@pytest.mark.parametrize("bye_first", [False, True])
def test_halves_from_two_files_are_one_call_on_replay(
    pbx: Source, formosa: Organisation, end: dict[str, Any], *, bye_first: bool
) -> None:
    files = [[INVITE], [end]]
    for half in reversed(files) if bye_first else files:
        result = take_file(pbx, "kamailio", half)
        assert counts(result) == (0, 0, 0, 1)
        assert settle_waiting(at=AT) == [] or half is not files[0] or bye_first
    settle_waiting(at=AT)
    assert list(bill().values()) == [("international", 180, 63_000)]
    assert not RawRecord.objects.filter(state="waiting").exists()
    for half in files:
        assert counts(take_file(pbx, "kamailio", half)) == (0, 1, 0, 0)


def test_a_lone_half_waits_and_never_settles_by_itself(
    pbx: Source, formosa: Organisation
) -> None:
    take_file(pbx, "kamailio", [INVITE])
    for _ in range(3):
        assert settle_waiting(at=AT) == []
        assert RawRecord.objects.get().reason == "half_record"
    assert not CallRecord.objects.exists()


def test_a_half_that_comes_again_after_its_call_settled_changes_nothing(
    pbx: Source, formosa: Organisation
) -> None:
    """The day's file holds the call; an hour's file holds half of it."""
    take_file(pbx, "kamailio", [INVITE, BYE])
    before = bill()
    assert take_file(pbx, "kamailio", [INVITE]).waiting == 1
    assert settle_waiting(at=AT) == []
    assert bill() == before
    assert not RawRecord.objects.filter(state="waiting").exists()
    assert Charge.objects.count() == 1


def test_halves_whose_call_has_no_owner_go_on_waiting_and_settle_later(
    pbx: Source, formosa: Organisation
) -> None:
    strange = {"src_user": "+886277776666", "dst_user": "+81312345678"}
    pbx.direction_map = {"*": "outbound"}
    pbx.save()
    take_file(pbx, "kamailio", [INVITE | strange])
    take_file(pbx, "kamailio", [BYE | strange])
    for _ in range(3):
        assert settle_waiting(at=AT) == []
        reasons = RawRecord.objects.order_by("id").values_list("reason", flat=True)
        assert list(reasons) == ["half_record", "no_owner"]
    make_line(formosa, "+886277776666")
    assert len(settle_waiting(at=AT)) == 1
    assert list(bill().values()) == [("international", 180, 63_000)]


# --- times and keys on replay ------------------------------------------------------


def test_a_row_is_replayed_in_the_zone_it_was_imported_in(
    pbx: Source, formosa: Organisation
) -> None:
    """The command named Taipei; the source says UTC."""
    row = sample("asterisk-csv").splitlines()[0].replace(b"FORMOSA", b"NOBODY")
    row = row.replace(b"+886223456789", b"+886277776666") + b"\n"
    taipei = profile_with(zone="Asia/Taipei")
    assert take_file(pbx, "asterisk-csv", row, profile=taipei).waiting == 1
    assert RawRecord.objects.get().time_zone == "Asia/Taipei"
    make_line(formosa, "+886277776666")
    formosa.account_code = "NOBODY"
    formosa.save()
    settle_waiting(at=AT)
    started = CallRecord.objects.get().started_at
    assert started == datetime(2026, 11, 21, 18, 0, 6, tzinfo=UTC)


def test_equal_rows_that_wait_keep_their_keys_on_replay(
    pbx: Source, formosa: Organisation
) -> None:
    row = b",".join(sample("asterisk-csv").splitlines()[0].split(b",")[:16])
    row = row.replace(b"FORMOSA", b"").replace(b"+886223456789", b"+886277776666")
    assert take_file(pbx, "asterisk-csv", (row + b"\n") * 2).waiting == 2
    make_line(formosa, "+886277776666")
    assert len(settle_waiting(at=AT)) == 2
    assert len(bill()) == 2


def test_a_masked_number_settles_once_the_card_leaves_no_doubt(
    pbx: Source, formosa: Organisation
) -> None:
    lines = sample("generic-csv").splitlines(keepends=True)
    (ambiguous,) = [line for line in lines if line.startswith(b"ambiguous")]
    take_file(pbx, "generic-csv", lines[0] + ambiguous)
    assert RawRecord.objects.get().reason == "ambiguous_number"
    assert settle_waiting(at=AT) == []
    make_card([{"prefix": "81", "rate": "0.021"}], valid_from=START + timedelta(1))
    assert len(settle_waiting(at=AT)) == 1
    assert list(bill().values()) == [("international", 60, 21_000)]

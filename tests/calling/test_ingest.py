"""Call records come in exactly once and are charged in the same transaction."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import BillingMode, BillingModePeriod, Organisation
from calling.formats.record import CallRecordIn
from calling.models import (
    CallRecord,
    Charge,
    Line,
    Purpose,
    RateCardVersion,
    RawRecord,
    Source,
    UsageDay,
)
from credits.models import LedgerEntry
from tests.calling.telephony import (
    LATER,
    MORNING,
    charge_of,
    give_credit,
    give_number,
    make_card,
    make_line,
    make_record,
    make_source,
    take_in,
)
from tests.makers import START

MEI = "+886223456789"

pytestmark = pytest.mark.usefixtures("card", "mei")


def credit_of(organisation: Organisation) -> int:
    organisation.wallet.refresh_from_db()
    return organisation.wallet.credit


# --- one call -------------------------------------------------------------------------


def test_a_call_is_stored_rated_and_paid_from_credit(
    pbx: Source, formosa: Organisation
) -> None:
    give_credit(formosa, "5")
    result = take_in(pbx, make_record("a", seconds=61))
    assert (result.stored, result.duplicates, result.waiting) == (1, 0, 0)
    charge = charge_of("a")
    assert (charge.prefix, charge.billed_seconds) == ("81", 120)
    assert charge.rated_amount == charge.credit_amount == 42_000
    assert charge.kind == "international"
    assert credit_of(formosa) == 5_000_000 - 42_000
    entry = LedgerEntry.objects.get(kind="spend")
    assert entry.reference == f"call:{charge.call_record_id}#1"
    assert entry.event_at == MORNING
    day = UsageDay.objects.get()
    assert (day.calls, day.seconds, day.amount) == (1, 120, 42_000)


def test_rule_6_2_the_snapshot_is_kept(pbx: Source, card: RateCardVersion) -> None:
    take_in(pbx, make_record("a", callee="+447500123456", seconds=10))
    charge = charge_of("a")
    assert charge.rate_card_version == card
    assert (charge.prefix, charge.connect_fee) == ("447500", 50_000)
    assert (charge.rate_per_minute, charge.interval_1) == (341_000, 60)
    assert charge.rated_amount == 391_000


def test_the_raw_record_is_kept_as_it_came(pbx: Source) -> None:
    take_in(pbx, make_record("a", body='{"the": "original"}'))
    raw = RawRecord.objects.get()
    assert (raw.body, raw.state, raw.revision) == ('{"the": "original"}', "settled", 1)
    assert CallRecord.objects.get().pk == raw.pk


def test_the_day_is_the_organisation_s(pbx: Source) -> None:
    """Eight in the evening in London is the next day in Taipei."""
    evening = datetime(2026, 3, 10, 20, tzinfo=UTC)
    take_in(pbx, make_record("a", at=evening), at=evening + timedelta(hours=1))
    assert f"{charge_of('a').local_day}" == "2026-03-11"


def test_rule_3_6_what_the_wallet_cannot_pay_is_debt(
    pbx: Source, formosa: Organisation
) -> None:
    give_credit(formosa, "0.03")
    take_in(pbx, make_record("a", seconds=120))
    charge = charge_of("a")
    assert (charge.credit_amount, charge.debt_amount) == (30_000, 12_000)
    formosa.wallet.refresh_from_db()
    assert (formosa.wallet.credit, formosa.wallet.debt) == (0, 12_000)


# --- who pays, and when ---------------------------------------------------------------


def test_rule_8_an_nce_organisation_is_billed_after_use(
    pbx: Source, contoso: Organisation
) -> None:
    make_line(contoso, "+886255550000")
    take_in(pbx, make_record("a", caller="+886255550000", seconds=60))
    charge = charge_of("a")
    assert (charge.postpaid_seconds, charge.postpaid_amount) == (60, 21_000)
    assert not LedgerEntry.objects.exists()


def test_rule_8_the_mode_is_that_at_call_start(
    pbx: Source, formosa: Organisation
) -> None:
    moved_at = MORNING + timedelta(hours=1)
    BillingModePeriod.objects.update(ends_at=moved_at)
    BillingModePeriod.objects.create(
        organisation=formosa, billing_mode=BillingMode.NCE, starts_at=moved_at
    )
    take_in(pbx, make_record("before"), make_record("after", at=moved_at))
    assert charge_of("before").debt_amount == 21_000
    assert charge_of("after").postpaid_amount == 21_000


def test_rule_2_3_lots_left_from_before_the_move_are_spent_first(
    pbx: Source, formosa: Organisation
) -> None:
    give_credit(formosa, "0.03")
    BillingModePeriod.objects.update(ends_at=MORNING)
    BillingModePeriod.objects.create(
        organisation=formosa, billing_mode=BillingMode.NCE, starts_at=MORNING
    )
    take_in(pbx, make_record("a", seconds=120))
    charge = charge_of("a")
    assert (charge.credit_amount, charge.postpaid_amount) == (30_000, 12_000)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"callee": None, "callee_raw": "119", "kind": "emergency"}, "emergency"),
        ({"kind": "on_net"}, "on_net"),
        (
            {"direction": "inbound", "caller": "+81312345678", "callee": MEI},
            "toll_in",
        ),
        ({"answered": False}, "international"),
    ],
)
def test_rule_6_4_free_calls_are_recorded_and_cost_nothing(
    pbx: Source, formosa: Organisation, changes: dict[str, Any], kind: str
) -> None:
    give_credit(formosa, "1")
    assert take_in(pbx, make_record("a", **changes)).stored == 1
    charge = charge_of("a")
    assert charge.kind == kind
    assert (charge.rated_amount, charge.billed_seconds) == (0, 0)
    assert credit_of(formosa) == 1_000_000
    assert UsageDay.objects.get().calls == 1


def test_a_call_between_two_of_our_numbers_is_internal(
    pbx: Source, formosa: Organisation
) -> None:
    make_line(formosa, "+886255550001")
    take_in(
        pbx,
        make_record("a", callee="+886255550001"),
        make_record("b", callee="+886255550001", trunk="carrier"),
    )
    assert charge_of("a").kind == "on_net"
    assert charge_of("b").kind == "domestic"


def test_a_toll_free_number_dialled_is_free_where_its_rate_is(pbx: Source) -> None:
    take_in(pbx, make_record("a", callee="+886800123456"))
    charge = charge_of("a")
    assert (charge.kind, charge.rated_amount) == ("domestic", 0)
    assert (charge.prefix, charge.billed_seconds) == ("886800", 0)


def test_rule_6_5_toll_free_inbound_is_paid_every_minute(
    pbx: Source, formosa: Organisation
) -> None:
    make_card(
        [{"prefix": "886800", "rate": "0.08", "number_type": "tollfree"}],
        name="Toll-free",
        purpose=Purpose.TOLL_FREE_IN,
    )
    give_number(formosa, "+886800555010", service_kind="toll_free")
    give_number(formosa, "+886800555011", service_kind="toll_free", is_bridge=True)
    give_number(formosa, "+886255550190", service_kind="toll", is_bridge=True)
    for number, callee in enumerate(
        ("+886800555010", "+886800555011", "+886255550190")
    ):
        take_in(
            pbx,
            make_record(
                f"{number}",
                direction="inbound",
                caller="+886912345678",
                callee=callee,
                seconds=90,
            ),
        )
    told = [(charge_of(f"{n}").kind, charge_of(f"{n}").rated_amount) for n in range(3)]
    assert told == [
        ("toll_free_in", 160_000),
        ("conference_in_toll_free", 160_000),
        ("conference_in_toll", 0),
    ]


def test_a_line_that_may_not_spend_is_flagged(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    give_credit(formosa, "1")
    mei.may_spend_credits = False
    mei.save()
    take_in(pbx, make_record("a"))
    assert CallRecord.objects.get().flags == "not_entitled"
    assert charge_of("a").credit_amount == 21_000


# --- whose call -----------------------------------------------------------------------


def test_rule_1_4_the_owner_of_a_number_is_the_one_at_call_start(
    pbx: Source, formosa: Organisation, contoso: Organisation
) -> None:
    moved_at = MORNING + timedelta(hours=1)
    give_number(formosa, "+886277770000", line=make_line(formosa), ends_at=moved_at)
    give_number(contoso, "+886277770000", line=make_line(contoso), starts_at=moved_at)
    take_in(
        pbx,
        make_record("before", caller="+886277770000"),
        make_record("after", caller="+886277770000", at=moved_at),
    )
    owners = CallRecord.objects.values_list("source_record_id", "organisation__slug")
    assert dict(owners) == {"before": "formosa", "after": "contoso"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"caller": "+886299990000"}, "no_owner"),
        (
            {"caller": "+886299990000", "account_code": "NOBODY"},
            "unknown_organisation",
        ),
        ({"account_code": "CONTOSO"}, "conflicting_owner"),
        ({"organisation_hint": "contoso"}, "conflicting_owner"),
        ({"callee": None, "callee_raw": "1234"}, "not_e164"),
        ({"callee": "+331234567890"}, "no_rate"),
        ({"callee": "+19005550100"}, "destination_barred"),
        ({"seconds": 86_401}, "too_long"),
        ({"at": LATER + timedelta(minutes=11)}, "in_future"),
        (
            {
                "at": datetime(2025, 12, 31, 12, tzinfo=UTC),
                "account_code": "FORMOSA",
            },
            "not_yet_open",
        ),
        ({"kind": "conference_out"}, "no_rate_card"),
        ({"callee": "+4475", "flags": "masked"}, "ambiguous_number"),
    ],
)
@pytest.mark.usefixtures("contoso")
def test_rule_6_6_what_cannot_be_decided_waits_with_its_reason(
    pbx: Source, changes: dict[str, Any], reason: str
) -> None:
    result = take_in(pbx, make_record("a", **changes), make_record("b"))
    assert [tuple(outcome) for outcome in result.outcomes] == [
        ("waiting", reason),
        ("stored", ""),
    ]
    raw = RawRecord.objects.get(source_record_id="a")
    assert (raw.state, raw.reason) == ("waiting", reason)
    assert not CallRecord.objects.filter(source_record_id="a").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"account_code": "CONTOSO"},
        {"organisation_hint": "contoso"},
        {"trunk": "sbc-contoso"},
        {"tenant": "guid-contoso"},
    ],
)
@pytest.mark.usefixtures("contoso")
def test_each_hint_finds_the_organisation(changes: dict[str, Any]) -> None:
    source = make_source(
        "sbc", owner_map={"sbc-contoso": "contoso", "guid-contoso": "contoso"}
    )
    take_in(source, make_record("a", caller="+886299990000", **changes))
    assert CallRecord.objects.get().organisation.slug == "contoso"


def test_the_user_of_the_record_is_the_line(pbx: Source, formosa: Organisation) -> None:
    ken = make_line(formosa, identity="ken@formosa.example", usage_country="JP")
    take_in(pbx, make_record("a", user="Ken@Formosa.example"))
    charge = charge_of("a")
    assert (charge.line, charge.kind) == (ken, "domestic")


# --- exactly once ---------------------------------------------------------------------


def test_the_same_record_again_is_a_duplicate(
    pbx: Source, formosa: Organisation
) -> None:
    give_credit(formosa, "1")
    for _ in range(2):
        result = take_in(pbx, make_record("a"), make_record("b"))
    assert (result.stored, result.duplicates) == (0, 2)
    assert Charge.objects.count() == RawRecord.objects.count() == 2
    assert credit_of(formosa) == 1_000_000 - 2 * 21_000


def test_the_same_record_twice_in_a_batch_counts_once(pbx: Source) -> None:
    result = take_in(pbx, make_record("a"), make_record("a"), make_record("a"))
    assert [outcome.status for outcome in result.outcomes] == [
        "stored",
        "duplicate",
        "duplicate",
    ]


def test_the_same_id_of_two_sources_is_two_calls(pbx: Source) -> None:
    take_in(pbx, make_record("a"))
    assert take_in(make_source("other"), make_record("a")).stored == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"invited_at": None},
        {"ended_at": LATER},
        {"call_id": "other"},
        {"answered_at": MORNING + timedelta(microseconds=900_000)},
        {"body": "another"},
    ],
)
def test_rule_6_7_what_the_digest_leaves_out_makes_no_correction(
    pbx: Source, changes: dict[str, Any]
) -> None:
    take_in(pbx, make_record("a"))
    assert take_in(pbx, make_record("a", **changes)).duplicates == 1


def test_a_duplicate_stays_one_when_owner_and_rates_have_changed(
    pbx: Source, mei: Line
) -> None:
    take_in(pbx, make_record("a"))
    mei.numbers.all().delete()
    make_card([{"prefix": "81", "rate": "9"}], valid_from=START)
    assert take_in(pbx, make_record("a")).duplicates == 1


def test_the_database_itself_keeps_a_record_once(pbx: Source) -> None:
    take_in(pbx, make_record("a"))
    raw = RawRecord.objects.get()
    raw.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        raw.save(force_insert=True)


# --- order ----------------------------------------------------------------------------


def some_records() -> list[CallRecordIn]:
    minutes = [0, 3, 3, 7, 12]
    return [
        make_record(
            f"r{number}",
            at=MORNING + timedelta(minutes=minute),
            seconds=50 * number + 30,
            callee="+819012345678" if number % 2 else "+81312345678",
        )
        for number, minute in enumerate(minutes)
    ]


@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
)
@given(order=st.permutations(range(5)))
def test_order_within_a_batch_changes_nothing(
    pbx: Source, formosa: Organisation, order: list[int]
) -> None:
    records = some_records()
    with transaction.atomic():
        give_credit(formosa, "0.4")
        take_in(pbx, *[records[place] for place in order])
        paid = [
            (charge.credit_amount, charge.debt_amount)
            for charge in (charge_of(f"r{number}") for number in range(5))
        ]
        transaction.set_rollback(True)
    assert paid == [
        (21_000, 0),
        (154_000, 0),
        (63_000, 0),
        (162_000, 168_000),
        (0, 84_000),
    ]

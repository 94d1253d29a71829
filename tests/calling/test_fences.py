"""What the database itself refuses, by the code it refuses with, on both engines."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from djmoney.money import Money

from accounts.fences import absent_fences
from accounts.models import BillingMode, Organisation
from accounts.refusals import fence_code
from calling.models import (
    Bucket,
    CallingPlan,
    Charge,
    Licence,
    Line,
    MinutePool,
    NumberAssignment,
    PlanKind,
    Rate,
    RateCardVersion,
    RawRecord,
    Source,
    Subscription,
)
from tests.calling.telephony import (
    give_number,
    give_plan,
    make_line,
    make_record,
    take_in,
)
from tests.makers import START

pytestmark = pytest.mark.usefixtures("card")

LATER = START + timedelta(days=10)


def refusal_of(act: Callable[[], Any]) -> str:
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        act()
    return fence_code(refused.value)


def run(sql: str) -> Callable[[], None]:
    def act() -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql)

    return act


def make_plan(mode: BillingMode, family: str = "domestic") -> CallingPlan:
    return CallingPlan.objects.create(
        name=family,
        slug=f"{family}-{mode}",
        family=family,
        kind=PlanKind.DOMESTIC,
        billing_mode=mode,
        price=Money("10", "USD"),
    )


def test_every_fence_is_there() -> None:
    assert absent_fences("calling") == []


# --- what is kept ---------------------------------------------------------------------


@pytest.mark.usefixtures("mei")
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE calling_charge SET rated_amount = 0",
        "UPDATE calling_charge SET local_day = '2020-01-01'",
        "DELETE FROM calling_charge",
    ],
)
def test_a_charge_is_never_changed(pbx: Source, sql: str) -> None:
    take_in(pbx, make_record("a"))
    assert refusal_of(run(sql)) == "charge_append_only"
    assert Charge.objects.get().rated_amount == 21_000


@pytest.mark.usefixtures("mei")
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE calling_rawrecord SET digest = 'x'",
        "UPDATE calling_rawrecord SET source_record_id = 'x'",
        "DELETE FROM calling_rawrecord",
    ],
)
def test_what_came_in_stays_in(pbx: Source, sql: str) -> None:
    take_in(pbx, make_record("a"))
    assert refusal_of(run(sql)) == "raw_record_kept"
    assert RawRecord.objects.count() == 1


@pytest.mark.parametrize(
    "sql", ["UPDATE calling_rate SET rate_per_minute = 0", "DELETE FROM calling_rate"]
)
def test_a_price_never_changes(sql: str) -> None:
    assert refusal_of(run(sql)) == "rate_append_only"


@pytest.mark.usefixtures("mei")
@pytest.mark.parametrize(
    "changes",
    [
        {"rated_amount": 1},
        {"billed_seconds": 61},
        {"pool_amount": 1},
        {"debt_seconds": 0, "postpaid_seconds": 61},
    ],
)
def test_the_parts_of_a_charge_add_up(pbx: Source, changes: dict[str, int]) -> None:
    take_in(pbx, make_record("a"))
    charge = Charge.objects.get()
    charge.pk, charge.revision = None, 2
    for name, value in changes.items():
        setattr(charge, name, value)
    assert refusal_of(charge.save) == "call_charges_add_up"


@pytest.mark.usefixtures("mei")
def test_no_part_of_a_charge_is_negative(pbx: Source) -> None:
    take_in(pbx, make_record("a"))
    charge = Charge.objects.get()
    charge.pk, charge.revision = None, 2
    charge.credit_amount, charge.debt_amount = -1, charge.debt_amount + 1
    assert refusal_of(charge.save) == "charge_parts_not_negative"


@pytest.mark.parametrize(
    "changes",
    [{"remaining_seconds": 601}, {"granted_seconds": 599}],
)
def test_a_pool_holds_between_nothing_and_its_size(
    formosa: Organisation, changes: dict[str, int]
) -> None:
    pool = MinutePool.objects.create(
        organisation=formosa,
        usage_country="TW",
        family="domestic",
        bucket=Bucket.DOMESTIC,
        period_start=START.date(),
        starts_at=START,
        ends_at=LATER,
        granted_seconds=600,
        remaining_seconds=600,
    )
    rows = MinutePool.objects.filter(pk=pool.pk)
    assert refusal_of(lambda: rows.update(**changes)) == "pool_remaining_range"


def test_there_is_one_pool_of_a_key(formosa: Organisation) -> None:
    facts: dict[str, Any] = {
        "organisation": formosa,
        "family": "domestic",
        "bucket": Bucket.DOMESTIC,
        "period_start": START.date(),
        "starts_at": START,
        "ends_at": LATER,
        "granted_seconds": 0,
        "remaining_seconds": 0,
    }
    MinutePool.objects.create(**facts)
    with pytest.raises(IntegrityError), transaction.atomic():
        MinutePool.objects.create(**facts)
    MinutePool.objects.create(**facts, line=make_line(formosa))


# --- subscriptions --------------------------------------------------------------------


def test_rule_1_2_a_subscription_has_its_organisation_s_mode(
    formosa: Organisation, contoso: Organisation
) -> None:
    """By form and by bulk insert, with the copied mode told truly and falsely."""
    prepaid, nce = make_plan(BillingMode.PREPAID), make_plan(BillingMode.NCE)
    for organisation, plan in ((formosa, nce), (contoso, prepaid)):
        for mode in BillingMode:
            row = Subscription(
                organisation=organisation,
                plan=plan,
                billing_mode=mode,
                quantity=1,
                starts_at=START,
            )
            assert (
                refusal_of(lambda row=row: Subscription.objects.bulk_create([row]))  # type: ignore[misc]
                == "subscription_mode"
            )
        with pytest.raises(ValidationError) as refused:
            row.full_clean()
        assert refused.value.error_dict["__all__"][0].code == "subscription_mode"
    assert not Subscription.objects.exists()
    for organisation, plan in ((formosa, prepaid), (contoso, nce)):
        made = Subscription(
            organisation=organisation, plan=plan, quantity=1, starts_at=START
        )
        made.full_clean()
        made.save()


def test_a_subscription_keeps_plan_mode_and_owner(
    formosa: Organisation, mei: Line
) -> None:
    give_plan(mei, {Bucket.DOMESTIC: 1})
    rows = Subscription.objects.all()
    for changes in (
        {"billing_mode": "NCE"},
        {"plan": make_plan(BillingMode.PREPAID, "other")},
    ):
        assert refusal_of(lambda c=changes: rows.update(**c)) == "subscription_mode"  # type: ignore[misc]
    rows.update(ends_at=LATER)
    plans = CallingPlan.objects.filter(family="domestic")
    assert refusal_of(lambda: plans.update(billing_mode="NCE")) == "plan_mode_kept"


# --- numbers --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("starts", "ends"),
    [(0, None), (5, 8), (0, 6), (9, 30), (0, 30), (5, None)],
)
def test_rule_1_4_a_number_has_one_owner_at_a_time(
    formosa: Organisation, contoso: Organisation, starts: int, ends: int | None
) -> None:
    day = timedelta(days=1)
    mine = give_number(
        formosa,
        "+886299990000",
        service_kind="toll",
        starts_at=START + 5 * day,
        ends_at=START + 10 * day,
    )

    def take() -> NumberAssignment:
        return give_number(
            contoso,
            "+886299990000",
            service_kind="toll",
            starts_at=START + starts * day,
            ends_at=START + ends * day if ends is not None else None,
        )

    assert refusal_of(take) == "number_overlap"
    mine.delete()
    take()


def test_a_number_changes_hands_without_a_gap(
    formosa: Organisation, contoso: Organisation
) -> None:
    give_number(formosa, "+886299990000", service_kind="toll", ends_at=LATER)
    number = give_number(contoso, "+886299990000", service_kind="toll", starts_at=LATER)
    number.starts_at = LATER - timedelta(seconds=1)
    assert refusal_of(number.save) == "number_overlap"


def test_an_open_number_has_one_owner(
    formosa: Organisation, contoso: Organisation
) -> None:
    give_number(formosa, "+886299990000", service_kind="toll")
    assert (
        refusal_of(
            lambda: give_number(
                contoso, "+886299990000", service_kind="toll", starts_at=LATER
            )
        )
        == "number_overlap"
    )


def test_a_number_is_a_line_s_or_a_service_s(formosa: Organisation, mei: Line) -> None:
    for facts in ({}, {"line": mei, "service_kind": "toll"}):
        assert (
            refusal_of(lambda f=facts: give_number(formosa, "+886299990000", **f))  # type: ignore[misc]
            == "number_of_line_or_service"
        )


def test_a_line_of_another_organisation_gets_no_number_and_no_licence(
    contoso: Organisation, mei: Line
) -> None:
    assert (
        refusal_of(lambda: give_number(contoso, "+886299990000", line=mei))
        == "line_of_organisation"
    )
    licence = give_plan(make_line(contoso), {Bucket.DOMESTIC: 1})
    licence.line = mei
    assert refusal_of(licence.save) == "line_of_organisation"
    stolen = Licence(
        organisation=contoso,
        subscription=licence.subscription,
        line=mei,
        assigned_at=START,
    )
    assert refusal_of(stolen.save) == "line_of_organisation"


def test_an_identity_is_one_line_s_in_any_case(
    formosa: Organisation, mei: Line
) -> None:
    assert (
        refusal_of(lambda: make_line(formosa, identity="MEI")) == "line_identity_once"
    )


# --- cards ----------------------------------------------------------------------------


def test_a_currency_has_one_default_card_of_a_purpose(card: RateCardVersion) -> None:
    other = card.card
    other.pk, other.name = None, "Other"
    with pytest.raises(IntegrityError), transaction.atomic():
        other.save()


def test_a_prefix_is_once_in_a_version(card: RateCardVersion) -> None:
    rate = Rate.objects.filter(version=card).first()
    assert rate is not None
    rate.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        rate.save()

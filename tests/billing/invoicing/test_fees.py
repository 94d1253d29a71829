"""Licences: the coming month in advance, changes by the day (rules 1.6 and 10.1)."""

from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.models import BillingMode, BillingModePeriod, Organisation
from billing.models import InvoiceKind
from calling.cancel import cancel_subscription
from calling.change_quantity import change_quantity
from calling.models import CallingPlan, Subscription
from credits.money import to_micros
from tests.billing.invoicing.closing import (
    APRIL,
    CLOSES,
    NEXT,
    billed,
    close,
    lines_of,
    said,
)
from tests.calling.plans import make_plan, take

pytestmark = pytest.mark.django_db
FIRST = datetime(2026, 2, 28, 16, tzinfo=UTC)  # the first of March in Taipei
NOON = datetime(2026, 3, 22, 4, tzinfo=UTC)  # ten days of March are left


@pytest.fixture
def plan(db: None) -> CallingPlan:
    return make_plan(price="31")


@pytest.fixture
def taken(formosa: Organisation, plan: CallingPlan) -> Subscription:
    """Two licences since the first of March, of 31 dollars a month; March is paid."""
    subscription = take(formosa, plan, quantity=2, at=FIRST)
    close(formosa, date(2026, 2, 1), at=FIRST + timedelta(hours=73))
    return subscription


def test_the_coming_month_is_billed_in_advance(
    formosa: Organisation, taken: Subscription
) -> None:
    """10.5: a prepaid organisation gets an invoice of its licence fees."""
    february = formosa.closed_months.get()
    invoice = billed(february)
    assert said(invoice) == [("licence", to_micros(62))]
    assert lines_of(invoice)[0].facts == {
        "plan": "Domestic",
        "month": "2026-03",
        "licences": 2,
        "price": to_micros(31),
    }
    assert (invoice.kind, invoice.billing_mode) == (InvoiceKind.INVOICE, "PREPAID")
    assert invoice.total_minor == 6200
    assert said(billed(close(formosa))) == [("licence", to_micros(62))]


def test_begun_within_the_month_it_pays_the_rest(
    formosa: Organisation, plan: CallingPlan
) -> None:
    """1.6: ten of 31 days, and the coming month."""
    take(formosa, plan, quantity=1, at=NOON)
    invoice = billed(close(formosa))
    assert said(invoice) == [
        ("licence", to_micros(31)),
        ("licence_change", to_micros(10)),
    ]
    facts = lines_of(invoice)[1].facts
    assert (facts["days"], facts["of"], facts["month"]) == (10, 31, "2026-03")


def test_a_change_is_billed_as_it_was_noted(
    formosa: Organisation, taken: Subscription
) -> None:
    change_quantity(taken, 5, expected=2, at=NOON)
    change_quantity(taken, 4, expected=5, at=NOON + timedelta(days=5))
    assert said(billed(close(formosa))) == [
        ("licence", to_micros(124)),
        ("licence_change", to_micros(30)),
        ("licence_change", -to_micros(5)),
    ]
    assert said(billed(close(formosa, APRIL, at=NEXT))) == [("licence", to_micros(124))]


def test_a_change_after_the_month_waits_for_the_next(
    formosa: Organisation, taken: Subscription
) -> None:
    """Known when March is closed, but made in April: April's fee is of two licences."""
    change_quantity(taken, 5, expected=2, at=CLOSES - timedelta(hours=1))
    assert said(billed(close(formosa))) == [("licence", to_micros(62))]
    # Three licences more from the fourth of April: 27 of 30 days.
    assert said(billed(close(formosa, APRIL, at=NEXT))) == [
        ("licence", to_micros(155)),
        ("licence_change", to_micros("83.7")),
    ]


def test_cancelled_it_ends_with_the_month(
    formosa: Organisation, taken: Subscription
) -> None:
    cancel_subscription(taken, at=NOON)
    assert close(formosa).invoice is None


def test_a_twin_costs_nothing_twice(formosa: Organisation, taken: Subscription) -> None:
    """2.3: the NCE twin goes on where the prepaid one ends."""
    swap(formosa, taken, price="31")
    assert said(billed(close(formosa))) == [("licence", to_micros(62))]


def test_a_dearer_twin_costs_the_difference(
    formosa: Organisation, taken: Subscription
) -> None:
    swap(formosa, taken, price="62")
    assert said(billed(close(formosa))) == [
        ("licence", to_micros(124)),
        ("licence_change", -to_micros(20)),
        ("licence_change", to_micros(40)),
    ]


def swap(organisation: Organisation, old: Subscription, *, price: str) -> None:
    twin = make_plan(price=price, mode=BillingMode.NCE)
    period = organisation.mode_periods.get()
    period.ends_at = old.ends_at = NOON
    period.save()
    old.save()
    organisation.billing_mode = BillingMode.NCE
    organisation.save()
    BillingModePeriod.objects.create(
        organisation=organisation, billing_mode=BillingMode.NCE, starts_at=NOON
    )
    Subscription.objects.create(
        organisation=organisation, plan=twin, quantity=old.quantity, starts_at=NOON
    )


def test_months_passed_over_are_paid_whole(
    formosa: Organisation, taken: Subscription
) -> None:
    invoice = billed(close(formosa, APRIL, at=NEXT))
    assert [line.facts["month"] for line in lines_of(invoice)] == ["2026-04", "2026-05"]

"""Payments that do not agree with a sale are for staff, never credit (rule 4.4)."""

import dataclasses

import pytest
import stripe
from django.utils import timezone

from accounts.models import (
    StaffTask,
)
from billing import gateway
from billing.apply_outcome import (
    FAILED_AFTER_PAID,
    NOT_ATTRIBUTED,
    PAID_TWICE,
    apply_outcome,
)
from billing.models import TopUp
from billing.top_up import finish_top_up
from tests.billing.buying import (
    Buyer,
    assert_nothing_issued,
    assert_paid_once,
)


def test_payment_of_another_amount_becomes_a_staff_task(buyer: Buyer) -> None:
    top_up = buyer.start("100")
    payment = foreign_payment(buyer, top_up, amount=5_000)
    finish_top_up(top_up.pk, at=timezone.now(), payment_id=payment)
    top_up.refresh_from_db()
    assert top_up.state == "started"
    assert_nothing_issued()
    task = StaffTask.objects.get()
    assert (task.kind, task.reference) == (NOT_ATTRIBUTED, payment)
    assert "amount: expected 100000000, Stripe says 50000000" in task.detail


def foreign_payment(buyer: Buyer, top_up: TopUp, **changes: object) -> str:
    """A paid PaymentIntent that claims to be of a top-up, changed in one thing."""
    said: dict[str, object] = {
        "amount": 10_000,
        "currency": "usd",
        "customer": top_up.stripe_customer_id,
        "metadata": {
            "top_up": str(top_up.pk),
            "organisation": str(top_up.organisation_id),
        },
        "payment_method": "pm_card_visa",
        "payment_method_types": ["card"],
        "confirm": True,
    }
    return stripe.PaymentIntent.create(**(said | changes)).id  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("currency", "eur"),
        ("customer", "another"),
        ("metadata", {"top_up": "0"}),
        ("metadata", {}),
    ],
)
def test_b45_payment_that_disagrees_is_never_credit(
    buyer: Buyer, name: str, value: object
) -> None:
    top_up = buyer.start("100")
    if value == "another":
        value = stripe.Customer.create(email="x@example.com").id
    payment = foreign_payment(buyer, top_up, **{name: value})
    finish_top_up(top_up.pk, at=timezone.now(), payment_id=payment)
    top_up.refresh_from_db()
    assert (top_up.state, top_up.stripe_payment_intent_id) == ("started", "")
    assert_nothing_issued()
    assert StaffTask.objects.get().kind == NOT_ATTRIBUTED


def test_second_payment_of_a_paid_top_up_is_for_staff(buyer: Buyer) -> None:
    top_up = buyer.start()
    buyer.pay(top_up)
    buyer.come_back(top_up)
    second = foreign_payment(buyer, top_up)
    finish_top_up(top_up.pk, at=timezone.now(), payment_id=second)
    assert_paid_once(top_up)
    task = StaffTask.objects.get()
    assert (task.kind, task.reference) == (PAID_TWICE, second)


def test_b41_failure_after_paid_is_for_staff(buyer: Buyer) -> None:
    top_up = buyer.start()
    buyer.pay(top_up)
    buyer.come_back(top_up)
    fetched = gateway.fetch_payment(buyer.payment_of(top_up))
    failed = dataclasses.replace(fetched, status="requires_payment_method")
    apply_outcome(top_up.pk, failed, None, at=timezone.now())
    assert_paid_once(top_up)
    assert StaffTask.objects.get().kind == FAILED_AFTER_PAID

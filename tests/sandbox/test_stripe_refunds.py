"""Money given back: in parts, late, or not at all after all."""

import time
from typing import Any

import pytest
import stripe

from tests.sandbox.paying import balance, charge_of, event_types, paid
from tests.stripe_sandbox import StripeSandbox

pytestmark = pytest.mark.usefixtures("stripe_sandbox")

PENDING, FAILING = "4000000000007726", "4000000000005126"


def test_a_payment_is_refunded_whole(stripe_sandbox: StripeSandbox) -> None:
    intent = paid(stripe_sandbox)
    made = stripe.Refund.create(
        payment_intent=intent, reason="requested_by_customer", metadata={"credit": "7"}
    )
    charge = charge_of(intent)
    assert (made.amount, made.currency, made.status) == (2000, "usd", "succeeded")
    assert (made.charge, made.payment_intent) == (charge.id, intent)
    assert made.metadata
    assert made.metadata["credit"] == "7"
    assert (charge.amount_refunded, charge.refunded) == (2000, True)
    assert event_types("refund", "charge.refund") == [
        "refund.created",
        "charge.refunded",
    ]
    assert balance("refund") == [("refund", -2000, 0, -2000)]
    assert stripe.PaymentIntent.retrieve(intent).status == "succeeded"


def test_refunds_come_in_parts_up_to_what_is_left(
    stripe_sandbox: StripeSandbox,
) -> None:
    intent = paid(stripe_sandbox)
    charge = charge_of(intent).id
    with pytest.raises(stripe.InvalidRequestError) as refused:
        stripe.Refund.create(charge=charge, amount=2001)
    assert "(US$20.01) is greater than charge amount (US$20.00)" in str(refused.value)
    first = stripe.Refund.create(charge=charge, amount=500)
    second = stripe.Refund.create(payment_intent=intent, amount=700)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        stripe.Refund.create(charge=charge, amount=801)
    assert refused.value.param == "amount"
    assert "(US$8.01) is greater than unrefunded amount on charge (US$8.00)" in str(
        refused.value
    )
    rest = stripe.Refund.create(charge=charge)
    assert rest.amount == 800
    with pytest.raises(stripe.InvalidRequestError) as refused:
        stripe.Refund.create(charge=charge)
    assert refused.value.code == "charge_already_refunded"
    by_charge = [one.id for one in stripe.Refund.list(charge=charge).data]
    by_intent = [one.id for one in stripe.Refund.list(payment_intent=intent).data]
    assert by_charge == by_intent == [rest.id, second.id, first.id]
    found: Any = stripe.Charge.retrieve(charge, expand=["refunds"])
    assert [one.id for one in found.refunds.data] == by_charge


def test_a_pending_refund_succeeds_later(stripe_sandbox: StripeSandbox) -> None:
    intent = paid(stripe_sandbox, PENDING)
    made = stripe.Refund.create(payment_intent=intent)
    assert (made.status, made.balance_transaction) == ("pending", None)
    assert charge_of(intent).amount_refunded == 2000
    stripe_sandbox.settle_refund(made.id)
    done: Any = stripe.Refund.retrieve(made.id, expand=["balance_transaction"])
    assert (done.status, done.balance_transaction.amount) == ("succeeded", -2000)
    assert event_types("refund") == ["refund.created", "refund.updated"]
    with pytest.raises(AssertionError, match="cannot be succeeded"):
        stripe_sandbox.settle_refund(made.id)


def test_a_pending_refund_may_fail(stripe_sandbox: StripeSandbox) -> None:
    stripe_sandbox.fail("refund_pending")
    intent = paid(stripe_sandbox)
    made = stripe.Refund.create(payment_intent=intent, amount=500)
    assert made.status == "pending"
    stripe_sandbox.settle_refund(made.id, failed=True)
    failed: Any = stripe.Refund.retrieve(made.id)
    assert (failed.status, failed.failure_reason) == (
        "failed",
        "expired_or_canceled_card",
    )
    assert charge_of(intent).amount_refunded == 0
    assert balance("refund", "refund_failure") == []
    assert event_types("refund", "charge.refund") == [
        "refund.created",
        "charge.refunded",
        "refund.failed",
        "refund.updated",
        "charge.refund.updated",
    ]
    assert stripe.Refund.create(payment_intent=intent).amount == 2000


def test_a_good_refund_may_still_fail(stripe_sandbox: StripeSandbox) -> None:
    intent = paid(stripe_sandbox)
    made = stripe.Refund.create(payment_intent=intent)
    stripe_sandbox.settle_refund(made.id, failed=True)
    assert balance("refund", "refund_failure") == [
        ("refund", -2000, 0, -2000),
        ("refund_failure", 2000, 0, 2000),
    ]
    assert (charge_of(intent).refunded, charge_of(intent).amount_refunded) == (False, 0)


def test_a_refund_may_fail_at_once(stripe_sandbox: StripeSandbox) -> None:
    stripe_sandbox.fail("refund_failed")
    made = stripe.Refund.create(payment_intent=paid(stripe_sandbox))
    assert made.status == "failed"
    assert event_types("refund.")[:2] == ["refund.created", "refund.failed"]


@pytest.mark.parametrize(
    ("number", "first", "then"),
    [(PENDING, "pending", "succeeded"), (FAILING, "succeeded", "failed")],
)
def test_time_decides_what_the_card_says(
    stripe_sandbox: StripeSandbox, number: str, first: str, then: str
) -> None:
    made = stripe.Refund.create(payment_intent=paid(stripe_sandbox, number))
    assert made.status == first
    stripe_sandbox.clock(int(time.time()) + 120)
    assert stripe.Refund.retrieve(made.id).status == then


def test_what_did_not_succeed_cannot_be_refunded() -> None:
    intent = stripe.PaymentIntent.create(amount=100, currency="usd")
    with pytest.raises(stripe.InvalidRequestError, match="not have a successful"):
        stripe.Refund.create(payment_intent=intent.id)
    with pytest.raises(stripe.InvalidRequestError, match="No such charge"):
        stripe.Refund.create(charge="ch_none")
    with pytest.raises(stripe.InvalidRequestError, match="exactly one"):
        stripe.Refund.create(amount=100)
    with pytest.raises(stripe.CardError) as declined:
        stripe.PaymentIntent.create(
            amount=100,
            confirm=True,
            currency="usd",
            payment_method="pm_card_chargeCustomerFail",
            payment_method_types=["card"],
        )
    error: Any = declined.value.error
    with pytest.raises(stripe.InvalidRequestError, match="failed"):
        stripe.Refund.create(charge=error.charge)


def test_a_refund_is_described_afterwards_and_never_cancelled(
    stripe_sandbox: StripeSandbox,
) -> None:
    made = stripe.Refund.create(payment_intent=paid(stripe_sandbox))
    changed = stripe.Refund.modify(made.id, metadata={"case": "9"})
    assert changed.metadata
    assert changed.metadata["case"] == "9"
    assert event_types("refund")[-1] == "refund.updated"
    with pytest.raises(stripe.InvalidRequestError, match="requires action"):
        stripe.Refund.cancel(made.id)


def test_a_refund_is_made_once_under_its_key(stripe_sandbox: StripeSandbox) -> None:
    intent, key = paid(stripe_sandbox), {"idempotency_key": "refund:1"}
    first = stripe.Refund.create(payment_intent=intent, amount=500, **key)  # type: ignore[arg-type]
    second = stripe.Refund.create(payment_intent=intent, amount=500, **key)  # type: ignore[arg-type]
    assert first.id == second.id
    assert charge_of(intent).amount_refunded == 500
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError, match="greater than"):
            stripe.Refund.create(
                payment_intent=intent, amount=5000, idempotency_key="refund:2"
            )

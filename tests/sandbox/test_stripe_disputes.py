"""Payments that are disputed: inquiries, money withdrawn, won and lost."""

from typing import Any

import pytest
import stripe

from tests.sandbox.paying import balance, charge_of, event_types, paid
from tests.sandbox.receiver import Receiver
from tests.stripe_sandbox import StripeSandbox

pytestmark = pytest.mark.usefixtures("stripe_sandbox")

OPENED = ["charge.dispute.created", "charge.dispute.funds_withdrawn"]


def events() -> list[str]:
    return event_types("charge.dispute")


def test_a_dispute_takes_the_money_and_a_fee(stripe_sandbox: StripeSandbox) -> None:
    intent = paid(stripe_sandbox)
    name = stripe_sandbox.open_dispute(intent, reason="product_not_received")
    found = stripe.Dispute.retrieve(name, expand=["charge", "payment_intent"])
    charge: Any = found.charge
    assert (found.amount, found.currency, found.reason) == (
        2000,
        "usd",
        "product_not_received",
    )
    assert (found.status, found.is_charge_refundable) == ("needs_response", False)
    assert (charge.id, charge.disputed) == (charge_of(intent).id, True)
    (entry,) = found.balance_transactions
    assert (entry.amount, entry.fee, entry.net) == (-2000, 1500, -3500)
    assert balance("dispute") == [("dispute", -2000, 1500, -3500)]
    assert events() == OPENED
    with pytest.raises(stripe.InvalidRequestError) as refused:
        stripe.Refund.create(payment_intent=intent)
    assert refused.value.code == "charge_disputed"


def test_a_dispute_that_is_won_gives_the_money_back(
    stripe_sandbox: StripeSandbox,
) -> None:
    intent = paid(stripe_sandbox)
    name = stripe_sandbox.open_dispute(intent)
    stripe_sandbox.close_dispute(name, won=True)
    found = stripe.Dispute.retrieve(name)
    assert found.status == "won"
    assert [entry.net for entry in found.balance_transactions] == [-3500, 2000]
    assert events() == [
        *OPENED,
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ]
    assert stripe.Refund.create(payment_intent=intent).status == "succeeded"


def test_a_dispute_that_is_lost_stays_lost(stripe_sandbox: StripeSandbox) -> None:
    intent = paid(stripe_sandbox)
    name = stripe_sandbox.open_dispute(intent)
    stripe_sandbox.close_dispute(name, won=False)
    assert stripe.Dispute.retrieve(name).status == "lost"
    assert events() == [*OPENED, "charge.dispute.closed"]
    with pytest.raises(AssertionError, match="already closed"):
        stripe_sandbox.close_dispute(name, won=True)
    with pytest.raises(stripe.InvalidRequestError, match="charged back"):
        stripe.Refund.create(payment_intent=intent)


def test_an_inquiry_takes_nothing(stripe_sandbox: StripeSandbox) -> None:
    intent = paid(stripe_sandbox)
    name = stripe_sandbox.open_dispute(intent, inquiry=True)
    found = stripe.Dispute.retrieve(name)
    assert (found.status, found.is_charge_refundable) == (
        "warning_needs_response",
        True,
    )
    assert stripe.Refund.create(payment_intent=intent, amount=100).amount == 100
    stripe_sandbox.close_dispute(name)
    closed = stripe.Dispute.retrieve(name)
    assert (closed.status, closed.balance_transactions) == ("warning_closed", [])
    assert events() == ["charge.dispute.created", "charge.dispute.closed"]


def test_an_inquiry_may_become_a_dispute(stripe_sandbox: StripeSandbox) -> None:
    intent = paid(stripe_sandbox)
    name = stripe_sandbox.open_dispute(intent, inquiry=True)
    stripe_sandbox.escalate_dispute(name)
    found = stripe.Dispute.retrieve(name)
    assert (found.status, len(found.balance_transactions)) == ("needs_response", 1)
    assert events() == [
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.funds_withdrawn",
    ]
    with pytest.raises(AssertionError, match="no open inquiry"):
        stripe_sandbox.escalate_dispute(name)


@pytest.mark.parametrize(
    ("number", "reason", "status"),
    [
        ("4000000000000259", "fraudulent", "needs_response"),
        ("4000000000002685", "product_not_received", "needs_response"),
        ("4000000000001976", "fraudulent", "warning_needs_response"),
    ],
)
def test_a_card_may_dispute_by_itself(
    stripe_sandbox: StripeSandbox, number: str, reason: str, status: str
) -> None:
    intent = paid(stripe_sandbox, number)
    (found,) = stripe.Dispute.list(payment_intent=intent).data
    assert (found.reason, found.status) == (reason, status)
    assert stripe.Dispute.list(charge=charge_of(intent).id).data[0].id == found.id
    types = event_types("payment_intent", "charge")
    assert types.index("payment_intent.succeeded") < types.index(OPENED[0])


@pytest.mark.parametrize(
    ("text", "status"), [("winning_evidence", "won"), ("losing_evidence", "lost")]
)
def test_evidence_decides(
    stripe_sandbox: StripeSandbox, text: str, status: str
) -> None:
    name = stripe_sandbox.open_dispute(paid(stripe_sandbox))
    kept = stripe.Dispute.modify(
        name, evidence={"product_description": "credits"}, submit=False
    )
    assert (kept.status, kept.evidence_details.has_evidence) == ("needs_response", True)
    sent = stripe.Dispute.modify(name, evidence={"receipt": "x"}, metadata={"a": "1"})
    assert (sent.status, sent.evidence_details.submission_count) == ("under_review", 1)
    assert sent.evidence.product_description == "credits"
    done = stripe.Dispute.modify(name, evidence={"uncategorized_text": text})
    assert done.status == status
    assert events().count("charge.dispute.updated") == 3


def test_a_dispute_may_be_accepted(stripe_sandbox: StripeSandbox) -> None:
    name = stripe_sandbox.open_dispute(paid(stripe_sandbox))
    assert stripe.Dispute.close(name).status == "lost"
    with pytest.raises(stripe.InvalidRequestError, match="already closed"):
        stripe.Dispute.close(name)


def test_part_of_a_payment_is_disputed_and_the_rest_later(
    stripe_sandbox: StripeSandbox,
) -> None:
    intent = paid(stripe_sandbox)
    first = stripe_sandbox.open_dispute(intent, amount=500)
    with pytest.raises(AssertionError, match="cannot be disputed"):
        stripe_sandbox.open_dispute(intent, amount=500)
    stripe_sandbox.close_dispute(first, won=False)
    second = stripe_sandbox.open_dispute(intent, amount=700)
    assert [one.id for one in stripe.Dispute.list().data] == [second, first]
    with pytest.raises(AssertionError, match="Invalid reason"):
        stripe_sandbox.open_dispute(intent, reason="envy")


def test_the_events_of_a_dispute_may_come_out_of_order(
    stripe_sandbox: StripeSandbox, receiver: Receiver
) -> None:
    intent = paid(stripe_sandbox)
    secret = receiver.subscribe(*OPENED)
    stripe_sandbox.fail("out_of_order", "charge.dispute.created")
    stripe_sandbox.open_dispute(intent)
    stripe_sandbox.deliver_pending()
    assert receiver.types(secret) == OPENED[::-1]

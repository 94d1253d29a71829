"""What happened is listed, and is delivered at once or again when that is asked for."""

import json
from typing import Any

import pytest
import stripe

from tests.sandbox.paying import paid
from tests.sandbox.receiver import Receiver
from tests.stripe_sandbox import StripeSandbox

pytestmark = pytest.mark.usefixtures("stripe_sandbox")


def ids(receiver: Receiver) -> list[str]:
    return [json.loads(body)["id"] for body, _ in receiver.taken]


def test_events_are_listed_by_group_and_by_name(stripe_sandbox: StripeSandbox) -> None:
    paid(stripe_sandbox)
    charges = stripe.Event.list(type="charge.*").data
    assert [event.type for event in charges] == ["charge.succeeded"]
    intents = stripe.Event.list(type="payment_intent.*").data
    assert [event.type for event in intents] == [
        "payment_intent.succeeded",
        "payment_intent.created",
    ]
    both = stripe.Event.list(types=["charge.succeeded", "customer.created"]).data
    assert len(both) == 2
    with pytest.raises(stripe.InvalidRequestError, match="not both"):
        stripe.Event.list(type="charge.*", types=["customer.created"])


def test_events_of_a_time_are_read_page_by_page(stripe_sandbox: StripeSandbox) -> None:
    for at in (1_800_000_000, 1_800_000_100, 1_800_000_200, 1_800_000_300):
        stripe_sandbox.clock(at)
        stripe.Customer.create()
    since: Any = {"created": {"gt": 1_800_000_000, "lte": 1_800_000_300}}
    first = stripe.Event.list(type="customer.created", limit=2, **since)
    assert ([event.created for event in first.data], first.has_more) == (
        [1_800_000_300, 1_800_000_200],
        True,
    )
    everything = [event.created for event in first.auto_paging_iter()]
    assert everything == [1_800_000_300, 1_800_000_200, 1_800_000_100]


def test_what_waits_is_delivered_now(
    stripe_sandbox: StripeSandbox, receiver: Receiver
) -> None:
    receiver.subscribe("customer.created")
    stripe_sandbox.fail("delay", seconds=600)
    stripe.Customer.create()
    (delivery,) = stripe_sandbox.deliveries()
    assert delivery["state"] == "waiting"
    (delivery,) = stripe_sandbox.deliver_pending()
    assert (delivery["state"], len(receiver.taken)) == ("delivered", 1)


def test_an_event_is_delivered_again(
    stripe_sandbox: StripeSandbox, receiver: Receiver
) -> None:
    receiver.subscribe("customer.created")
    stripe.Customer.create()
    stripe_sandbox.wait_for_deliveries()
    (event,) = stripe.Event.list(type="customer.created").data
    stripe_sandbox.deliver_again(event.id)
    assert ids(receiver) == [event.id, event.id]
    assert stripe.Event.retrieve(event.id).pending_webhooks == 0


def test_a_dropped_event_is_delivered_on_request(
    stripe_sandbox: StripeSandbox, receiver: Receiver
) -> None:
    receiver.subscribe("payment_intent.succeeded")
    stripe_sandbox.fail("drop", "payment_intent.succeeded")
    paid(stripe_sandbox)
    stripe_sandbox.deliver_pending()
    assert receiver.taken == []
    (event,) = stripe.Event.list(type="payment_intent.succeeded").data
    stripe_sandbox.deliver_again(event.id)
    assert ids(receiver) == [event.id]


def test_the_balance_is_listed_by_kind_and_by_cause(
    stripe_sandbox: StripeSandbox,
) -> None:
    intent = paid(stripe_sandbox)
    refund = stripe.Refund.create(payment_intent=intent, amount=500)
    (entry,) = stripe.BalanceTransaction.list(type="refund").data
    assert (entry.amount, entry.source) == (-500, refund.id)
    by_cause: Any = stripe.BalanceTransaction.list(
        source=refund.id, expand=["data.source.charge"]
    )
    assert by_cause.data[0].source.charge.payment_intent == intent
    assert len(stripe.BalanceTransaction.list().data) == 2


@pytest.mark.parametrize(
    ("what", "sent"),
    [
        ("disputes", {"payment_intent": "pi_none"}),
        ("disputes", {"payment_intent": "pi_none", "colour": "red"}),
        ("disputes/close", {"dispute": "du_none", "outcome": "drawn"}),
        ("refunds", {"refund": "re_none"}),
        ("deliveries", {"event": "evt_none"}),
        ("cards", {"payment_method": "pm_none", "number": "4242424242424242"}),
    ],
)
def test_a_switch_refuses_what_it_does_not_know(
    stripe_sandbox: StripeSandbox, what: str, sent: dict[str, str]
) -> None:
    with pytest.raises(AssertionError, match="error"):
        stripe_sandbox._ask("POST", what, sent)

"""Every object has the fields of Stripe's published example of its kind.

`stripe_examples.json` is an excerpt of those examples (MIT, licence beside it; one
receipt's address is replaced). Types agree where neither is null. What differs stands
below, each with its reason.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stripe

from tests.sandbox.clicks import SUCCESS, card, open_session, visit
from tests.sandbox.paying import (
    CHARGES_FAIL,
    customer,
    finalised,
    make_invoice,
    paid_invoice,
)
from tests.sandbox.paying import paid as paid_off_session
from tests.stripe_sandbox import StripeSandbox

pytestmark = pytest.mark.usefixtures("stripe_sandbox")

Json = dict[str, Any]
EXAMPLES: Json = json.loads(
    Path(__file__).with_name("stripe_examples.json").read_text()
)

# Where the example has a field that ours lacks, and why that is right.
MISSING = {
    "charge.refunds": "comes only when it is expanded",
    "event.data.object": "is whatever the event is about",
    "event.data": "is whatever the event is about",
    "payment_intent.last_payment_error": "the example shows one field of many",
    "setup_intent.last_setup_error": "the example shows one field of many",
}
# Where ours has a field that the example lacks.
MORE = {
    "charge.outcome.risk_level": "present with Radar, which every account has",
    "charge.outcome.risk_score": "present with Radar, which every account has",
    "payment_intent.automatic_payment_methods.allow_redirects": "given when enabled",
    "payment_intent.next_action.redirect_to_url": "the example leaves the kinds out",
    "payment_intent.payment_method_options.card": "the example leaves the kinds out",
    "checkout.session.payment_method_options.card": "the example leaves the kinds out",
    "invoice_payment.payment.payment_intent": "the example names no payment",
    "refund.failure_balance_transaction": "comes only when it has failed",
    "refund.failure_reason": "comes only when it has failed",
    "setup_intent.automatic_payment_methods.allow_redirects": "given when enabled",
    "setup_intent.next_action.redirect_to_url": "the example leaves the kinds out",
    "setup_intent.payment_method_options.card": "the example leaves the kinds out",
    "webhook_endpoint.secret": "told once, when it is made",
}


def differences(example: Any, ours: Any, path: str) -> Iterator[str]:
    if path in MISSING:
        return
    if isinstance(example, dict) and isinstance(ours, dict):
        yield from (f"{path}.{key} is missing" for key in missing(example, ours, path))
        yield from (f"{path}.{key} is more" for key in more(example, ours, path))
        for key in example.keys() & ours.keys():
            yield from differences(example[key], ours[key], f"{path}.{key}")
    elif example is not None and ours is not None and type(example) is not type(ours):
        yield f"{path} is {type(ours).__name__}, not {type(example).__name__}"


def missing(example: Json, ours: Json, path: str) -> list[str]:
    if path.endswith("metadata"):
        return []
    return [k for k in example if k not in ours and f"{path}.{k}" not in MISSING]


def more(example: Json, ours: Json, path: str) -> list[str]:
    if path.endswith("metadata") or not example:
        return []
    return [k for k in ours if k not in example and f"{path}.{k}" not in MORE]


def as_sent(one: Any) -> Json:
    """Without the decimals that the library makes of numbers in texts."""
    sent: Json = json.loads(json.dumps(one.to_dict(), default=str))
    return sent


def set_up_and_refused() -> list[stripe.SetupIntent]:
    asking: Any = {"confirm": True, "payment_method": "pm_card_authenticationRequired"}
    stripe.SetupIntent.create(**asking, return_url="http://127.0.0.1:8000/")
    refused = asking | {"payment_method": "pm_card_chargeDeclined"}
    with pytest.raises(stripe.CardError):
        stripe.SetupIntent.create(**refused, payment_method_types=["card"])
    stripe.SetupIntent.cancel(stripe.SetupIntent.create().id)
    return stripe.SetupIntent.list().data


def refunds(sandbox: StripeSandbox) -> list[stripe.Refund]:
    """One that succeeded, one that waits, one that failed."""
    payment = paid_off_session(sandbox)
    for fault in ("", "refund_pending", "refund_failed"):
        if fault:
            sandbox.fail(fault)
        stripe.Refund.create(payment_intent=payment, amount=100)
    return stripe.Refund.list().data


def disputes(sandbox: StripeSandbox) -> list[stripe.Dispute]:
    won = sandbox.open_dispute(paid_off_session(sandbox))
    sandbox.close_dispute(won)
    sandbox.open_dispute(paid_off_session(sandbox), inquiry=True)
    return stripe.Dispute.list().data


def invoices(sandbox: StripeSandbox) -> list[stripe.Invoice]:
    """One that was paid, one that is open after a decline, a draft, a void one."""
    paid_invoice(sandbox)
    with pytest.raises(stripe.CardError):
        paid_invoice(sandbox, CHARGES_FAIL)
    owner = customer()
    make_invoice(owner)
    stripe.Invoice.void_invoice(finalised(make_invoice(owner)))
    return stripe.Invoice.list().data


def one_of_each(sandbox: StripeSandbox) -> dict[str, list[Any]]:
    """Objects in as many states as there are, by the example they follow."""
    customer = stripe.Customer.create(email="alice@formosa.example", name="Formosa")
    open_one = open_session(customer=customer.id)
    paid = open_session(customer=customer.id)
    visit(str(paid.url), card("4000 0000 0000 9995"))
    declined = stripe.PaymentIntent.list().data[0]
    visit(str(paid.url), card())
    asking = stripe.PaymentIntent.create(
        amount=100,
        currency="usd",
        payment_method="pm_card_authenticationRequired",
        confirm=True,
        return_url="http://127.0.0.1:8000/",
    )
    endpoint = stripe.WebhookEndpoint.create(
        url="http://127.0.0.1:9/", enabled_events=["charge.failed"]
    )
    setting_up = stripe.checkout.Session.create(
        mode="setup", customer=customer.id, currency="usd", success_url=SUCCESS
    )
    made: dict[str, list[Any]] = {
        "dispute": disputes(sandbox),
        "invoice": invoices(sandbox),
        "invoice_payment": stripe.InvoicePayment.list().data,
        "invoiceitem": stripe.InvoiceItem.list().data,
        "refund": refunds(sandbox),
        "setup_intent": set_up_and_refused(),
    }
    items = stripe.checkout.Session.list_line_items(paid.id).data
    sessions = [open_one, stripe.checkout.Session.retrieve(paid.id), setting_up]
    return made | {
        "account": [stripe.Account.retrieve()],
        "balance_transaction": stripe.BalanceTransaction.list().data,
        "charge": stripe.Charge.list().data,
        "checkout.session": sessions,
        "customer": [customer],
        "deleted_customer": [stripe.Customer.delete(stripe.Customer.create().id)],
        "deleted_webhook_endpoint": [stripe.WebhookEndpoint.delete(endpoint.id)],
        "event": stripe.Event.list(limit=100).data,
        "item": items,
        "payment_intent": [declined, asking, *stripe.PaymentIntent.list().data],
        "payment_method": stripe.PaymentMethod.list().data,
        "price": [item.price for item in items],
        "webhook_endpoint": [endpoint],
    }


def test_every_object_has_the_fields_of_its_example(
    stripe_sandbox: StripeSandbox,
) -> None:
    made = one_of_each(stripe_sandbox)
    assert made.keys() == EXAMPLES.keys()
    found = {
        difference
        for kind, objects in made.items()
        for one in objects
        for difference in differences(EXAMPLES[kind], as_sent(one), kind)
    }
    assert sorted(found) == []
    assert all(made.values())


def test_a_difference_is_found() -> None:
    example = {"id": "x", "card": {"brand": "visa", "funding": None}}
    ours = {"id": 1, "card": {"brand": "visa"}, "_number": "4"}
    assert sorted(differences(example, ours, "a")) == [
        "a._number is more",
        "a.card.funding is missing",
        "a.id is int, not str",
    ]


def test_live_mode_is_nowhere_and_the_sandboxs_own_fields_stay_inside(
    stripe_sandbox: StripeSandbox,
) -> None:
    for objects in one_of_each(stripe_sandbox).values():
        for one in objects:
            text = json.dumps(as_sent(one))
            assert '"livemode": true' not in text
            assert '"_' not in text

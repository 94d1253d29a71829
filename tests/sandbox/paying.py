"""Saved cards that pay without anybody there, as most tests of payments need them."""

from typing import Any

import stripe

from tests.stripe_sandbox import VISA, StripeSandbox

CHARGES_FAIL = "4000 0000 0000 0341"  # attaches, then every charge is declined


def customer() -> str:
    return stripe.Customer.create(email="alice@formosa.example", name="Formosa").id


def off_session(owner: str, method: str, **other: Any) -> stripe.PaymentIntent:
    """Charges US$20.00, and says what `other` says."""
    wanted: Any = {
        "amount": 2000,
        "confirm": True,
        "currency": "usd",
        "customer": owner,
        "metadata": {"attempt": "7"},
        "off_session": True,
        "payment_method": method,
        "payment_method_types": ["card"],
    }
    return stripe.PaymentIntent.create(**(wanted | other))


def paid(sandbox: StripeSandbox, number: str = VISA, **other: Any) -> str:
    """The id of a PaymentIntent that a new customer's saved card has paid."""
    owner = customer()
    return off_session(owner, sandbox.save_card(owner, number), **other).id


def charge_of(intent: str) -> stripe.Charge:
    (made,) = stripe.Charge.list(payment_intent=intent).data
    return made


def event_types(*about: str) -> list[str]:
    """Oldest first; those that begin with one of `about`, or all."""
    found = [event.type for event in reversed(stripe.Event.list(limit=100).data)]
    return [name for name in found if name.startswith(about or "")]


def balance(*kinds: str) -> list[tuple[str, int, int, int]]:
    """Category, amount, fee and net of each entry, oldest first."""
    return [
        (entry.reporting_category, entry.amount, entry.fee, entry.net)
        for entry in reversed(stripe.BalanceTransaction.list(limit=100).data)
        if entry.reporting_category in kinds
    ]


def make_invoice(owner: str, amount: int = 2000, **other: Any) -> str:
    """A draft of one item, which advances by nobody but the test."""
    wanted: Any = {"customer": owner, "currency": "usd"}
    draft = stripe.Invoice.create(
        **wanted,
        auto_advance=False,
        metadata={"invoice": "7"},
        pending_invoice_items_behavior="exclude",
    )
    stripe.InvoiceItem.create(
        **wanted, invoice=draft.id, amount=amount, description="Calls", **other
    )
    return draft.id


def finalised(invoice: str) -> str:
    return stripe.Invoice.finalize_invoice(invoice, auto_advance=False).id


def paid_invoice(sandbox: StripeSandbox, number: str = VISA) -> stripe.Invoice:
    """An invoice that a new customer's saved card is charged with."""
    owner = customer()
    method = sandbox.save_card(owner, number)
    return stripe.Invoice.pay(finalised(make_invoice(owner)), payment_method=method)

"""Invoices of the sandbox: gathered, finalised, paid once or void; none by itself."""

from typing import Any

import pytest
import stripe

from tests.sandbox.clicks import card, visit
from tests.sandbox.paying import (
    CHARGES_FAIL,
    customer,
    event_types,
    finalised,
    make_invoice,
    paid_invoice,
)
from tests.stripe_sandbox import StripeSandbox

pytestmark = pytest.mark.usefixtures("stripe_sandbox")


def test_items_gather_and_finalising_freezes() -> None:
    owner = customer()
    draft = make_invoice(owner)
    wanted: Any = {"customer": owner, "currency": "usd", "invoice": draft}
    stripe.InvoiceItem.create(**wanted, amount=-500, description="Goodwill")
    made = stripe.Invoice.retrieve(finalised(draft))
    assert (made.status, made.total, made.amount_due) == ("open", 1500, 1500)
    assert [line.amount for line in made.lines.data] == [2000, -500]
    assert made.number
    assert made.hosted_invoice_url
    with pytest.raises(stripe.InvalidRequestError, match="no longer be edited"):
        stripe.InvoiceItem.create(**wanted, amount=1, description="Late")
    with pytest.raises(stripe.InvalidRequestError, match="no longer be edited"):
        finalised(draft)


def test_paid_once_off_session(stripe_sandbox: StripeSandbox) -> None:
    paid = paid_invoice(stripe_sandbox)
    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 2000, 0)
    (payment,) = stripe.InvoicePayment.list(invoice=paid.id).data
    intent: Any = payment.payment.payment_intent
    assert stripe.PaymentIntent.retrieve(intent).status == "succeeded"
    found = stripe.InvoicePayment.list(
        payment={"type": "payment_intent", "payment_intent": intent}
    )
    assert [one.invoice for one in found.data] == [paid.id]
    with pytest.raises(stripe.InvalidRequestError, match="already paid"):
        stripe.Invoice.pay(paid.id)
    assert event_types("invoice.") == [
        "invoice.created",
        "invoice.updated",
        "invoice.finalized",
        "invoice.paid",
        "invoice.payment_succeeded",
    ]


def test_declined_it_stays_open_and_its_page_takes_another_card(
    stripe_sandbox: StripeSandbox,
) -> None:
    with pytest.raises(stripe.CardError):
        paid_invoice(stripe_sandbox, CHARGES_FAIL)
    (made,) = stripe.Invoice.list().data
    assert (made.status, made.attempt_count, made.attempted) == ("open", 1, True)
    assert event_types("invoice.")[-1] == "invoice.payment_failed"
    visit(visit(str(made.hosted_invoice_url)).location, card())
    assert stripe.Invoice.retrieve(made.id).status == "paid"
    page = visit(str(made.hosted_invoice_url))
    assert "This invoice is paid" in page.text


def test_void_it_cannot_be_paid(stripe_sandbox: StripeSandbox) -> None:
    made = finalised(make_invoice(customer()))
    page = stripe.Invoice.retrieve(made).hosted_invoice_url
    visit(str(page))  # somebody looks at the form
    assert stripe.Invoice.void_invoice(made).status == "void"
    assert "This invoice is void" in visit(str(page)).text
    (session,) = stripe.checkout.Session.list().data
    assert session.status == "expired"
    with pytest.raises(stripe.InvalidRequestError, match="status of void"):
        stripe.Invoice.pay(made)

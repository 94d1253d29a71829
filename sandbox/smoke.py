"""Compares what Tollgate expects of Stripe with Stripe: `python -m sandbox.smoke`.

Run it once with a real *test* key in STRIPE_TEST_SECRET_KEY; without STRIPE_API_HOST it
asks the real service. Each line says what was tried and whether it went as the sandbox
plays it. It makes a customer and a few test payments and deletes the customer again.
"""

import os
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import stripe

from config.settings.base import STRIPE_API_VERSION

REAL = "https://api.stripe.com"
AMOUNT = {"amount": 5000, "currency": "usd"}


@dataclass
class Smoke:
    """One run: a customer of its own, and what differed so far."""

    run: str
    differences: int = 0
    customer: str = ""

    def key(self, name: str) -> str:
        return f"smoke:{self.run}:{name}"

    def expect(self, what: str, ask: Callable[[], Any], wanted: object) -> None:
        try:
            found = ask()
        except stripe.StripeError as error:
            found = (error.http_status, error.code)
        if found == wanted:
            print(f"as expected  {what}")
        else:
            self.differences += 1
            print(f"DIFFERENT    {what}: expected {wanted}, found {found}")


def main() -> int:
    key = os.environ.get("STRIPE_TEST_SECRET_KEY", "")
    if not key.startswith(("sk_test_", "rk_test_")):
        print("Set STRIPE_TEST_SECRET_KEY to a test key; a live key is refused.")
        return 2
    stripe.api_key, stripe.api_version = key, STRIPE_API_VERSION
    stripe.api_base = os.environ.get("STRIPE_API_HOST") or REAL
    stripe.max_network_retries = 0
    smoke = Smoke(uuid.uuid4().hex[:8])
    print(f"Asking {stripe.api_base}")
    try:
        with a_customer(smoke):
            for check in CHECKS:
                check(smoke)
    except stripe.StripeError as error:
        print(f"Stripe could not be asked: {error}")
        return 1
    print(f"{smoke.differences} differences.")
    return 1 if smoke.differences else 0


@contextmanager
def a_customer(smoke: Smoke) -> Iterator[None]:
    made = stripe.Customer.create(
        email="smoke@example.com", idempotency_key=smoke.key("customer")
    )
    smoke.customer = made.id
    try:
        yield
    finally:
        stripe.Customer.delete(made.id)


def pay(smoke: Smoke, name: str, card: str, **more: Any) -> stripe.PaymentIntent:
    wanted: dict[str, Any] = {
        **AMOUNT,
        "customer": smoke.customer,
        "payment_method": card,
        "payment_method_types": ["card"],
        "confirm": True,
        "metadata": {"smoke": smoke.run},
        **more,
    }
    return stripe.PaymentIntent.create(**wanted, idempotency_key=smoke.key(name))


def pays(smoke: Smoke) -> None:
    def ask() -> tuple[str, int, str]:
        intent = pay(smoke, "pays", "pm_card_visa")
        again = stripe.PaymentIntent.retrieve(intent.id)
        return again.status, again.amount_received, again.metadata["smoke"]

    smoke.expect("a card pays", ask, ("succeeded", 5000, smoke.run))


def repeats(smoke: Smoke) -> None:
    first = pay(smoke, "repeats", "pm_card_visa")
    smoke.expect(
        "the same key gives the same payment",
        lambda: pay(smoke, "repeats", "pm_card_visa").id,
        first.id,
    )
    smoke.expect(
        "the same key with another amount is refused",
        lambda: pay(smoke, "repeats", "pm_card_visa", amount=6000).id,
        (400, None),
    )


def declines(smoke: Smoke) -> None:
    smoke.expect(
        "a card is declined",
        lambda: pay(smoke, "declines", "pm_card_chargeDeclined").id,
        (402, "card_declined"),
    )


def asks_for_approval(smoke: Smoke) -> None:
    card = "pm_card_authenticationRequired"
    smoke.expect(
        "a card asks for approval while its holder is there",
        lambda: pay(smoke, "approval", card, return_url="https://example.com/").status,
        "requires_action",
    )


def keeps_a_card(smoke: Smoke) -> None:
    def ask() -> str:
        setup = stripe.SetupIntent.create(
            confirm=True,
            customer=smoke.customer,
            payment_method="pm_card_visa",
            payment_method_types=["card"],
            idempotency_key=smoke.key("setup"),
        )
        card = str(setup.payment_method)
        return pay(smoke, "off session", card, off_session=True).status

    smoke.expect("a card that was saved pays off session", ask, "succeeded")
    smoke.expect(
        "a card asks for approval while nobody is there",
        lambda: (
            pay(
                smoke, "nobody", "pm_card_authenticationRequired", off_session=True
            ).status
        ),
        (402, "authentication_required"),
    )


def refunds(smoke: Smoke) -> None:
    payment = pay(smoke, "to refund", "pm_card_visa").id

    def ask(name: str, **more: Any) -> str | None:
        key = smoke.key(f"refund {name}")
        return stripe.Refund.create(
            payment_intent=payment, idempotency_key=key, **more
        ).status

    smoke.expect("a part is refunded", lambda: ask("1", amount=2000), "succeeded")
    smoke.expect(
        "more than is left is refused", lambda: ask("2", amount=4000), (400, None)
    )
    smoke.expect("the rest is refunded", lambda: ask("3"), "succeeded")
    smoke.expect("nothing is left", lambda: ask("4"), (400, "charge_already_refunded"))


def opens_a_page(smoke: Smoke) -> None:
    def ask() -> tuple[str, str, bool]:
        session = stripe.checkout.Session.create(
            idempotency_key=smoke.key("page"),
            mode="payment",
            customer=smoke.customer,
            line_items=[
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": "usd",
                        "unit_amount": 5000,
                        "product_data": {"name": "Communications credits"},
                    },
                }
            ],
            success_url="https://example.com/",
            cancel_url="https://example.com/",
        )
        closed = stripe.checkout.Session.expire(session.id)
        return str(session.status), str(closed.status), bool(session.url)

    smoke.expect("a payment page opens and closes", ask, ("open", "expired", True))


def bills(smoke: Smoke) -> None:
    def bill(name: str) -> str:
        wanted: Any = {"customer": smoke.customer, "currency": "usd"}
        draft = stripe.Invoice.create(
            **wanted,
            auto_advance=False,
            pending_invoice_items_behavior="exclude",
            metadata={"smoke": smoke.run},
            idempotency_key=smoke.key(name),
        )
        stripe.InvoiceItem.create(
            **wanted,
            invoice=draft.id,
            amount=5000,
            idempotency_key=smoke.key(f"{name} item"),
        )
        return stripe.Invoice.finalize_invoice(draft.id, auto_advance=False).id

    def paid() -> tuple[str, int, bool]:
        card = stripe.PaymentMethod.attach("pm_card_visa", customer=smoke.customer)
        invoice = stripe.Invoice.pay(bill("bill"), payment_method=card.id)
        (payment,) = stripe.InvoicePayment.list(invoice=invoice.id).data
        found = stripe.InvoicePayment.list(
            payment={
                "type": "payment_intent",
                "payment_intent": str(payment.payment.payment_intent),
            }
        )
        is_found = [one.invoice for one in found.data] == [invoice.id]
        return str(invoice.status), invoice.amount_paid, is_found

    def voided() -> tuple[str, int, bool, str]:
        opened = stripe.Invoice.retrieve(bill("void"))
        has_page = bool(opened.hosted_invoice_url)
        ended = stripe.Invoice.void_invoice(opened.id).status
        return str(opened.status), opened.attempt_count, has_page, str(ended)

    smoke.expect("an invoice is paid by a saved card", paid, ("paid", 5000, True))
    smoke.expect(
        "an invoice waits by itself, has a page and is voided",
        voided,
        ("open", 0, True, "void"),
    )


CHECKS = (
    pays,
    repeats,
    declines,
    asks_for_approval,
    keeps_a_card,
    refunds,
    opens_a_page,
    bills,
)


if __name__ == "__main__":
    sys.exit(main())

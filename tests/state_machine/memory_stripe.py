"""A Stripe that lives in memory, put in place of the gateway's functions.

The sandbox is a process of its own, too slow for ten thousand steps. This one knows
payments and pages, refuses nothing that Stripe would take, and writes down an event
for everything that happens; when and how often events arrive is the machine's to say.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from typing import Any

import pytest

from accounts.models import Organisation
from billing import gateway
from billing.gateway import ORGANISATION, TOP_UP, Checkout, Payment
from billing.models import TopUp


@dataclass(frozen=True)
class Event:
    """What Stripe has to say: its type and what it is about."""

    type: str
    about: str


@dataclass
class MemoryStripe:
    """Payments and payment pages by id, and the events they made."""

    payments: dict[str, Payment] = field(default_factory=dict)
    pages: dict[str, Checkout] = field(default_factory=dict)
    by_key: dict[str, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def stand_in(self, patch: pytest.MonkeyPatch) -> None:
        """Takes the place of every call the gateway makes."""
        calls: dict[str, Callable[..., Any]] = {
            "ensure_customer": self.ensure_customer,
            "open_checkout": self.open_checkout,
            "fetch_checkout": self.pages.__getitem__,
            "expire_checkout": self.expire_checkout,
            "fetch_payment": self.payments.__getitem__,
            "list_payments": self.list_payments,
            "mirror_payment": lambda _payment: None,
        }
        for name, call in calls.items():
            patch.setattr(gateway, name, call)

    # --- what the gateway asks for ----------------------------------------------------

    def ensure_customer(self, organisation: Organisation) -> str:
        return f"cus_{organisation.pk}"

    def open_checkout(
        self, top_up: TopUp, *, customer_id: str, language: str
    ) -> Checkout:
        known = self.by_key.get(top_up.reference)
        if known is None:
            known = self.by_key[top_up.reference] = f"cs_{next(self._numbers)}"
            names = {TOP_UP: str(top_up.pk), ORGANISATION: str(top_up.organisation_id)}
            self.pages[known] = Checkout(
                known, f"https://pay.example/{known}", "open", "", names
            )
        return self.pages[known]

    def expire_checkout(self, page_id: str) -> Checkout:
        page = self.pages[page_id]
        if page.status == "open":
            self.pages[page_id] = page = replace(page, status="expired")
            self.events.append(Event("checkout.session.expired", page_id))
        return page

    def list_payments(self, customer_id: str, *, since: datetime) -> list[Payment]:
        return [
            payment
            for payment in self.payments.values()
            if payment.customer_id == customer_id
        ]

    # --- what people do at Stripe's page ----------------------------------------------

    def pay(self, top_up: TopUp, status: str) -> Payment:
        """The customer types a card; the page is complete unless it was declined."""
        page = self.pages[top_up.stripe_session_id]
        payment = self._payment(top_up, page.payment_id, status)
        is_over = status != "requires_payment_method"
        self.pages[page.id] = replace(
            page, payment_id=payment.id, status="complete" if is_over else page.status
        )
        if is_over:
            self.events.append(Event("checkout.session.completed", page.id))
        self._tell(payment)
        return payment

    def settle(self, payment_id: str, status: str) -> None:
        """A payment that was processing comes to its end."""
        payment = replace(self.payments[payment_id], status=status)
        received = payment.received if status == "succeeded" else 0
        self.payments[payment_id] = payment = replace(payment, received=received)
        self._tell(payment)

    def _payment(self, top_up: TopUp, payment_id: str, status: str) -> Payment:
        payment_id = payment_id or f"pi_{next(self._numbers)}"
        self.payments[payment_id] = payment = Payment(
            id=payment_id,
            status=status,
            received=top_up.total_micros,
            currency=top_up.currency,
            customer_id=f"cus_{top_up.organisation_id}",
            metadata={
                TOP_UP: str(top_up.pk),
                ORGANISATION: str(top_up.organisation_id),
            },
            failure_code="" if status in {"succeeded", "processing"} else "declined",
            seen=None,
        )
        return payment

    def _tell(self, payment: Payment) -> None:
        said = {
            "succeeded": "payment_intent.succeeded",
            "processing": "payment_intent.processing",
            "canceled": "payment_intent.canceled",
        }.get(payment.status, "payment_intent.payment_failed")
        self.events.append(Event(said, payment.id))

"""A Stripe that lives in memory, put in place of the gateway's functions.

The sandbox is a process of its own, too slow for ten thousand steps. This one knows
payments, pages, refunds and disputes, and writes down an event for everything that
happens; when and how often events arrive is the machine's to say.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from typing import Any, NamedTuple

import pytest

from accounts.models import Organisation
from billing import gateway
from billing.gateway import ORGANISATION, TOP_UP, TRY, Checkout, Payment
from billing.models import RechargeTry, Refund, TopUp
from billing.refusals import PaymentsUnavailable
from billing.reversing import reversal_gateway
from billing.reversing.reversal_gateway import (
    REFUND,
    RefundRefused,
    SeenDispute,
    SeenRefund,
)

# How a charge of a saved card may go: its status, and what the bank says.
CHARGES = {
    "paid": ("succeeded", ""),
    "processing": ("processing", ""),
    "soft": ("requires_payment_method", "insufficient_funds"),
    "hard": ("requires_payment_method", "stolen_card"),
    "authentication": ("requires_payment_method", "authentication_required"),
    "lost answer": ("succeeded", ""),
}


class Event(NamedTuple):
    """What Stripe has to say: its type and what it is about."""

    type: str
    about: str


@dataclass
class MemoryStripe:
    """What there is at Stripe, by id, and the events it made."""

    payments: dict[str, Payment] = field(default_factory=dict)
    pages: dict[str, Checkout] = field(default_factory=dict)
    refunds: dict[str, SeenRefund] = field(default_factory=dict)
    disputes: dict[str, SeenDispute] = field(default_factory=dict)
    by_key: dict[str, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    next_charge: str = "paid"
    next_refund: str = "succeeded"
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def stand_in(self, patch: pytest.MonkeyPatch) -> None:
        """Takes the place of the gateway's calls, wherever they were imported."""
        calls: dict[str, Callable[..., Any]] = {
            "ensure_customer": self.ensure_customer,
            "open_checkout": self.open_checkout,
            "fetch_checkout": self.pages.__getitem__,
            "expire_checkout": self.expire_checkout,
            "charge_off_session": self.charge_off_session,
            "fetch_payment": self.payments.__getitem__,
            "list_payments": self.list_payments,
            "mirror_payment": lambda _payment: None,
            "send_refund": self.send_refund,
            "fetch_refund": self.refunds.__getitem__,
            "list_refunds": self.list_refunds,
            "fetch_dispute": self.disputes.__getitem__,
        }
        for name, call in calls.items():
            home = gateway if hasattr(gateway, name) else reversal_gateway
            original = getattr(home, name)
            for module in list(sys.modules.values()):
                if getattr(module, name, None) is original:
                    patch.setattr(module, name, call)

    # --- what the gateway asks for ----------------------------------------------------

    def ensure_customer(self, organisation: Organisation) -> str:
        return f"cus_{organisation.pk}"

    def open_checkout(self, top_up: TopUp, **asked: str) -> Checkout:
        key = f"{top_up.reference}:{asked.get('instead_of', '')}"
        known = self.by_key.get(key)
        if known is None:
            known = self.by_key[key] = self._new("cs")
            url = f"https://pay.example/{known}"
            names = _names_of(top_up)
            self.pages[known] = Checkout(known, url, "open", "", names)
        return self.pages[known]

    def expire_checkout(self, page_id: str) -> Checkout:
        page = self.pages[page_id]
        if page.status == "open":
            self.pages[page_id] = page = replace(page, status="expired")
            self.events.append(Event("checkout.session.expired", page_id))
        return page

    def list_payments(self, customer_id: str, *, since: datetime) -> list[Payment]:
        found = self.payments.values()
        return [payment for payment in found if payment.customer_id == customer_id]

    def charge_off_session(self, one: RechargeTry) -> str:
        """A key charges once; an answer may be lost before or after the charge."""
        if one.stripe_key in self.by_key:
            return self.by_key[one.stripe_key]
        if self.next_charge == "nobody there":
            raise PaymentsUnavailable
        status, code = CHARGES[self.next_charge]
        payment = self._payment(one.attempt.top_up, self._new("pi"), status, code)
        named = replace(payment, metadata={**payment.metadata, TRY: one.stripe_key})
        self.payments[payment.id] = named
        self.by_key[one.stripe_key] = payment.id
        self._tell(payment)
        if self.next_charge == "lost answer":
            raise PaymentsUnavailable
        return payment.id

    def send_refund(self, refund: Refund, payment_id: str) -> SeenRefund:
        known = self.by_key.get(refund.reference)
        if known is None:
            if self.next_refund == "nobody there":
                raise PaymentsUnavailable
            disputes = [one for one in self.disputes.values() if one.is_withdrawn]
            if any(one.payment_id == payment_id for one in disputes):
                raise RefundRefused("charge_disputed")
            known = self.by_key[refund.reference] = self._new("re")
            self.refunds[known] = SeenRefund(
                id=known,
                status="pending" if self.next_refund == "pending" else "succeeded",
                amount=refund.total_micros,
                currency=refund.currency,
                payment_id=payment_id,
                metadata={REFUND: str(refund.pk)},
                failure_code="",
            )
            self.events.append(Event("refund.created", known))
        if self.next_refund == "lost answer":
            raise PaymentsUnavailable
        return self.refunds[known]

    def list_refunds(self, payment_id: str) -> list[SeenRefund]:
        found = self.refunds.values()
        return [refund for refund in found if refund.payment_id == payment_id]

    # --- what people and banks do -----------------------------------------------------

    def pay(self, top_up: TopUp, status: str) -> None:
        """The customer types a card; the page is complete unless it was declined."""
        page = self.pages[top_up.stripe_session_id]
        code = "" if status in {"succeeded", "processing"} else "generic_decline"
        payment_id = page.payment_id or self._new("pi")
        payment = self._payment(top_up, payment_id, status, code)
        is_over = status != "requires_payment_method"
        status = "complete" if is_over else page.status
        self.pages[page.id] = replace(page, payment_id=payment.id, status=status)
        if is_over:
            self.events.append(Event("checkout.session.completed", page.id))
        self._tell(payment)

    def settle(self, payment_id: str, status: str) -> None:
        """A payment that was processing comes to its end."""
        payment = replace(self.payments[payment_id], status=status)
        self.payments[payment_id] = payment
        self._tell(payment)

    def settle_refund(self, refund_id: str, status: str) -> None:
        refund = replace(self.refunds[refund_id], status=status)
        self.refunds[refund_id] = refund
        said = "failed" if refund.is_gone else "updated"
        self.events.append(Event(f"refund.{said}", refund_id))

    def dispute(
        self, payment_id: str, amount: int, *, inquiry: bool, at: datetime
    ) -> None:
        payment = self.payments[payment_id]
        named = self._new("dp")
        self.disputes[named] = SeenDispute(
            id=named,
            status="warning_needs_response" if inquiry else "needs_response",
            reason="fraudulent",
            amount=amount,
            currency=payment.currency,
            payment_id=payment_id,
            payment_method_id="",
            fingerprint="",
            opened_at=at,
            evidence_due_at=None,
            is_withdrawn=not inquiry,
        )
        self.events.append(Event("charge.dispute.created", named))
        if not inquiry:
            self.events.append(Event("charge.dispute.funds_withdrawn", named))

    def close_dispute(self, dispute_id: str, *, won: bool) -> None:
        dispute = self.disputes[dispute_id]
        is_inquiry = dispute.status.startswith("warning")
        status = "warning_closed" if is_inquiry else "won" if won else "lost"
        is_withdrawn = dispute.is_withdrawn and not won
        closed = replace(dispute, status=status, is_withdrawn=is_withdrawn)
        self.disputes[dispute_id] = closed
        self.events.append(Event("charge.dispute.closed", dispute_id))
        if dispute.is_withdrawn and won:
            self.events.append(Event("charge.dispute.funds_reinstated", dispute_id))

    # --- parts ------------------------------------------------------------------------

    def _new(self, kind: str) -> str:
        return f"{kind}_{next(self._numbers)}"

    def _payment(
        self, top_up: TopUp, payment_id: str, status: str, code: str
    ) -> Payment:
        self.payments[payment_id] = payment = Payment(
            id=payment_id,
            status=status,
            received=top_up.total_micros,
            currency=top_up.currency,
            customer_id=f"cus_{top_up.organisation_id}",
            metadata=_names_of(top_up),
            failure_code=code,
            seen=None,
        )
        return payment

    def _tell(self, payment: Payment) -> None:
        said = {"succeeded": "succeeded", "processing": "processing"}
        ending = said.get(payment.status, "payment_failed")
        ending = "canceled" if payment.status == "canceled" else ending
        self.events.append(Event(f"payment_intent.{ending}", payment.id))


def _names_of(top_up: TopUp) -> dict[str, str]:
    return {TOP_UP: str(top_up.pk), ORGANISATION: str(top_up.organisation_id)}

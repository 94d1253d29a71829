"""Refunds and disputes as Stripe knows them; every refund has a key of our own row."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import stripe

from billing.gateway import (
    ORGANISATION,
    calling_stripe,
    page_after,
    stripe_account,
)
from billing.models import Refund
from billing.refusals import PaymentsUnavailable
from billing.stripe_units import from_stripe_amount, to_stripe_amount
from credits.money import Micros

REFUND = "refund"  # our key in Stripe's metadata
GONE = ("failed", "canceled")
CLOSED = ("won", "lost", "warning_closed", "prevented")


class RefundRefused(Exception):
    """Stripe will not make this refund; nothing was paid back. Carries its code."""


@dataclass(frozen=True)
class SeenRefund:
    """What Stripe says about one refund, in exact money."""

    id: str
    status: str
    amount: Micros
    currency: str
    payment_id: str
    metadata: Mapping[str, str]
    failure_code: str

    @property
    def is_gone(self) -> bool:
        return self.status in GONE


@dataclass(frozen=True)
class SeenDispute:
    """What Stripe says about one dispute; amounts are of the payment, tax included."""

    id: str
    status: str
    reason: str
    amount: Micros
    currency: str
    payment_id: str
    payment_method_id: str
    fingerprint: str
    opened_at: datetime
    evidence_due_at: datetime | None
    is_withdrawn: bool

    @property
    def is_closed(self) -> bool:
        return self.status in CLOSED


def send_refund(refund: Refund, payment_id: str) -> SeenRefund:
    """Asks for the refund; asked again with the same row, it is the same refund."""
    names = {REFUND: str(refund.pk), ORGANISATION: str(refund.organisation_id)}
    with calling_stripe():
        try:
            made = stripe.Refund.create(
                **stripe_account(),
                idempotency_key=refund.reference,
                payment_intent=payment_id,
                amount=to_stripe_amount(refund.total_micros, refund.currency),
                metadata=names,
                reason="requested_by_customer",
            )
        except stripe.IdempotencyError as error:  # the first request is still running
            raise PaymentsUnavailable from error
        except stripe.InvalidRequestError as error:
            raise RefundRefused(error.code or "refused") from error
    return _refund(made)


def fetch_refund(refund_id: str) -> SeenRefund:
    with calling_stripe():
        return _refund(stripe.Refund.retrieve(refund_id, **stripe_account()))


def list_refunds(payment_id: str) -> list[SeenRefund]:
    """All refunds of one payment, newest first."""
    with calling_stripe():
        found = stripe.Refund.list(
            **stripe_account(), payment_intent=payment_id, limit=100
        )
        return [_refund(refund) for refund in found.auto_paging_iter()]


def page_of_refunds(since: datetime, *, after: str, limit: int) -> list[SeenRefund]:
    """Refunds of every payment since a moment, newest first."""
    with calling_stripe():
        found = stripe.Refund.list(
            **stripe_account(), **page_after(since, after, limit)
        )
        return [_refund(refund) for refund in found.data]


def page_of_disputes(since: datetime, *, after: str, limit: int) -> list[str]:
    """The id of each dispute since a moment, newest first."""
    with calling_stripe():
        found = stripe.Dispute.list(
            **stripe_account(), **page_after(since, after, limit)
        )
        return [dispute.id for dispute in found.data]


def fetch_dispute(dispute_id: str) -> SeenDispute:
    with calling_stripe():
        seen = stripe.Dispute.retrieve(
            dispute_id, **stripe_account(), expand=["charge"]
        )
    currency = seen.currency.upper()
    charge: Any = seen.charge
    card = getattr(charge.payment_method_details, "card", None)
    due = seen.evidence_details.due_by
    # The amounts are in the currency of the provider's account: only signs are used.
    signs = [entry.amount < 0 for entry in seen.balance_transactions]
    return SeenDispute(
        id=seen.id,
        status=seen.status,
        reason=seen.reason,
        amount=from_stripe_amount(seen.amount, currency),
        currency=currency,
        payment_id=_id_of(seen.payment_intent),
        payment_method_id=charge.payment_method or "",
        fingerprint=getattr(card, "fingerprint", "") or "",
        opened_at=datetime.fromtimestamp(seen.created, UTC),
        evidence_due_at=datetime.fromtimestamp(due, UTC) if due else None,
        is_withdrawn=2 * sum(signs) > len(signs),
    )


def _refund(seen: stripe.Refund) -> SeenRefund:
    currency = seen.currency.upper()
    return SeenRefund(
        id=seen.id,
        status=seen.status or "",
        amount=from_stripe_amount(seen.amount, currency),
        currency=currency,
        payment_id=_id_of(seen.payment_intent),
        metadata=seen.metadata.to_dict() if seen.metadata else {},
        failure_code=getattr(seen, "failure_reason", "") or "",
    )


def _id_of(thing: Any) -> str:
    return thing if isinstance(thing, str) else getattr(thing, "id", "")

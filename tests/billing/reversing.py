"""Payments that are then refunded and disputed, at the sandbox and without it."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import stripe
from djmoney.money import Money

from accounts.models import Organisation
from billing.gateway import ORGANISATION, TOP_UP
from billing.models import TopUp, TopUpState
from billing.prove import prove as prove_billing
from billing.reversing.reversal_gateway import SeenDispute, SeenRefund
from billing.stripe_units import to_stripe_amount
from credits.display import money_text
from credits.issue import issue_lot
from credits.models import Lot, LotKind, Wallet
from credits.money import to_micros
from credits.prove import prove as prove_credits
from tests.makers import START, make_top_up

REASON = "Bought twice by mistake, case 12."


def make_sale(
    organisation: Organisation,
    credit: str = "100",
    tax: str = "0",
    *,
    card: str = "",
    at: datetime = START,
) -> TopUp:
    """A paid top-up with its lot; Stripe knows of it where a card is named."""
    started = TopUpState.STARTED
    top_up = make_top_up(organisation, credit, tax=tax, state=started, at=at)
    top_up.stripe_payment_intent_id = _charge(top_up, card) if card else f"pi_{uuid4()}"
    top_up.state, top_up.received = TopUpState.PAID, top_up.total
    top_up.paid_at = top_up.ended_at = at
    top_up.receipt_number = f"T-{top_up.pk:04d}"
    top_up.save()
    issue_lot(
        organisation,
        kind=LotKind.PURCHASE,
        amount=top_up.credit_micros,
        reference=f"top-up:{top_up.stripe_payment_intent_id}",
        sale_id=top_up.pk,
        at=at,
    )
    return top_up


def _charge(top_up: TopUp, card: str) -> str:
    names = {TOP_UP: str(top_up.pk), ORGANISATION: str(top_up.organisation_id)}
    return stripe.PaymentIntent.create(
        amount=to_stripe_amount(top_up.total_micros, top_up.currency),
        currency=top_up.currency.lower(),
        payment_method=card,
        payment_method_types=["card"],
        confirm=True,
        metadata=names,
    ).id


def lot_of(top_up: TopUp) -> Lot:
    return Lot.objects.get(kind=LotKind.PURCHASE, sale_id=top_up.pk)


def seen_refund(top_up: TopUp, amount: str, name: str = "re_1") -> SeenRefund:
    return SeenRefund(
        id=name,
        status="succeeded",
        amount=to_micros(amount),
        currency=top_up.currency,
        payment_id=top_up.stripe_payment_intent_id,
        metadata={},
        failure_code="",
    )


def seen_dispute(top_up: TopUp, amount: str = "", name: str = "du_1") -> SeenDispute:
    """A dispute whose funds are withdrawn, of the whole payment unless said."""
    return SeenDispute(
        id=name,
        status="needs_response",
        reason="fraudulent",
        amount=to_micros(amount) if amount else top_up.total_micros,
        currency=top_up.currency,
        payment_id=top_up.stripe_payment_intent_id,
        payment_method_id="pm_1",
        fingerprint="f1",
        opened_at=datetime(2026, 1, 1, tzinfo=UTC),
        evidence_due_at=datetime(2026, 1, 8, tzinfo=UTC),
        is_withdrawn=True,
    )


def inquiry(seen: SeenDispute) -> SeenDispute:
    return replace(seen, status="warning_needs_response", is_withdrawn=False)


def won(seen: SeenDispute) -> SeenDispute:
    return replace(seen, status="won", is_withdrawn=False)


def lost(seen: SeenDispute) -> SeenDispute:
    return replace(seen, status="lost")


def amounts(organisation: Organisation) -> tuple[str, str]:
    """Credit and debt, as people write them."""
    wallet = Wallet.objects.get(pk=organisation.pk)
    credit, debt = wallet.credit, wallet.debt
    return money_text(credit, wallet.currency), money_text(debt, wallet.currency)


def dollars(amount: str) -> Money:
    return Money(amount, "USD")


def assert_proven(at: datetime) -> None:
    assert prove_credits(at=at).breaches == []
    found = prove_billing(at=at).breaches
    assert [line for line in found if not line.startswith("receipt ")] == []

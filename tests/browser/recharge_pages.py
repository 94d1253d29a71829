"""Addresses of auto-recharge, cards and subscriptions, with something on each page."""

from datetime import datetime
from urllib.parse import quote

from django.utils import timezone

from accounts.models import Organisation
from billing.models import (
    AutoRecharge,
    CardSetup,
    RechargeAttempt,
    RechargeTry,
    SkippedRecharge,
    TopUp,
)
from tests.billing.recharging import make_card, switch_on, usd


def recharge_pages(organisation: Organisation) -> list[str]:
    """Auto-recharge is on, has run, and was skipped; cards of every kind are kept."""
    now = timezone.now()
    good = make_card(organisation, at=now, is_default=True)
    other = make_card(organisation, at=now, brand="mastercard")
    make_card(organisation, at=now, expiry_year=2020)
    make_card(organisation, at=now, suspended_at=now, suspended_code="lost_card")
    row = switch_on(organisation, good, at=now, backup=other, trigger=usd("600"))
    asks = make_attempt(row, state="action_required", at=now)
    make_attempt(row, state="failed", at=now)
    SkippedRecharge.objects.create(
        organisation=organisation,
        reason="not_used",
        day=organisation.local_day(now),
        first_at=now,
        last_at=now,
    )
    setup = CardSetup.objects.create(
        organisation=organisation,
        client_key="every-page",
        state="done",
        actor=row.consent.user,
        started_at=now,
        ended_at=now,
        payment_method=other,
    )
    review = f"trigger=900&amount=500&monthly_limit=1000&payment_method={other.pk}"
    return [
        "/subscriptions/",
        "/subscriptions/communications-credits/",
        "/auto-recharge/",
        "/auto-recharge/settings/",
        f"/auto-recharge/review/?{review}&version={quote(row.changed_at.isoformat())}",
        "/auto-recharge/off/",
        "/payment-methods/",
        "/payment-methods/add/",
        f"/payment-methods/{good.pk}/remove/",
        f"/payment-methods/{other.pk}/remove/",
        setup.get_absolute_url(),
        asks.top_up.get_absolute_url(),
    ]


def make_attempt(row: AutoRecharge, *, state: str, at: datetime) -> RechargeAttempt:
    """A recharge with one try, as it stands after its bank has answered."""
    is_over = state == "failed"
    top_up = TopUp.objects.create(
        organisation=row.organisation,
        kind="recharge",
        client_key=f"recharge:{state}",
        state="failed" if is_over else "started",
        credit=row.amount,
        tax=row.amount * 0,
        total=row.amount,
        failure_code="insufficient_funds" if is_over else "authentication_required",
        started_at=at,
        ended_at=at if is_over else None,
    )
    attempt = RechargeAttempt.objects.create(
        organisation=row.organisation,
        top_up=top_up,
        currency=row.currency,
        consent=row.consent,
        cause="sweep",
        state=state,
        started_at=at,
        ended_at=at if is_over else None,
    )
    RechargeTry.objects.create(
        attempt=attempt,
        number=1,
        payment_method=row.payment_method,
        stripe_key=f"recharge:{attempt.pk}:1",
        outcome="declined" if is_over else "action_required",
        failure_code=top_up.failure_code,
        made_at=at,
        ended_at=at,
    )
    return attempt

"""How auto-recharge stands, in one of seven states with the facts around it (rule 5.7).

A plain read for pages, the API and staff; nothing is locked and nothing decided here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from billing.models import (
    OPEN_ATTEMPT,
    AttemptState,
    AutoRecharge,
    PaymentMethod,
    RechargeAttempt,
    RechargeStop,
    SkippedRecharge,
)
from billing.recharging.card_in_charge import card_in_charge
from billing.recharging.read_recharges import read_past
from billing.recharging.recharge_caps import (
    Cap,
    cap_in_the_way,
    month_in_the_way,
    next_month,
    spent_in_month,
)
from credits.models import Wallet
from credits.money import Micros
from credits.statement import balance_of


class RechargeState(models.TextChoices):
    OFF = "off", _("Off")
    ARMED = "armed", _("On")
    CHARGING = "charging", _("Being charged")
    COOLING = "cooling", _("Declined, will be tried again")
    ACTION_REQUIRED = "action_required", _("Waiting for approval")
    SUSPENDED = "suspended", _("Paused")
    CAPPED = "capped", _("Limit reached")


@dataclass(frozen=True)
class RechargeStatus:
    """One state; `code` says why, where there is a why; amounts in micros.

    `code` is a decline code (cooling, suspended), a code of `recharge_words` or a cap.
    `next_at` is the next try, or when a cap ends. `declines` in a row are the card's.
    """

    state: RechargeState
    currency: str
    row: AutoRecharge | None = None
    card: PaymentMethod | None = None
    attempt: RechargeAttempt | None = None
    code: str = ""
    next_at: datetime | None = None
    declines: int = 0
    available: Micros = 0
    incoming: Micros = 0
    is_below: bool = False
    spent_this_month: Micros = 0
    month_ends_at: datetime | None = None
    last_skipped: SkippedRecharge | None = None

    @property
    def is_on(self) -> bool:
        return self.row is not None

    @property
    def trigger(self) -> Micros:
        return self.row.trigger_micros if self.row else 0

    @property
    def amount(self) -> Micros:
        return self.row.amount_micros if self.row else 0

    @property
    def monthly_limit(self) -> Micros:
        return self.row.monthly_limit_micros if self.row else 0


@dataclass(frozen=True)
class _Why:
    """The state and what belongs to it alone."""

    state: RechargeState
    code: str = ""
    next_at: datetime | None = None


def recharge_status(organisation: Organisation, at: datetime) -> RechargeStatus:
    """How it stands now; one that is still under way may outlive the settings."""
    attempt = open_attempt(organisation)
    rows = AutoRecharge.objects.select_related("payment_method", "backup", "consent")
    row = rows.filter(organisation=organisation).first()
    if row is None:
        off = RechargeState.OFF
        return RechargeStatus(off, organisation.currency, attempt=attempt)
    wallet = Wallet.objects.get(pk=organisation.pk)
    available = balance_of(wallet, at).available
    is_below = available + wallet.incoming < row.trigger_micros
    past = read_past([organisation.pk], at=at)[organisation.pk]
    zone = organisation.zone
    amount, limit = row.amount_micros, row.monthly_limit_micros
    cap = month_in_the_way(amount, limit, past, at=at, zone=zone)
    if cap is None and is_below:
        cap = _long_cap(cap_in_the_way(past, at=at))
    card = card_in_charge(row, organisation.local_day(at))
    why = next(_reasons(row, card, attempt, cap))
    return RechargeStatus(
        why.state,
        organisation.currency,
        row=row,
        card=card,
        attempt=attempt,
        code=why.code,
        next_at=why.next_at,
        declines=card.declines,
        available=available,
        incoming=wallet.incoming,
        is_below=is_below,
        spent_this_month=spent_in_month(past, at=at, zone=zone),
        month_ends_at=next_month(at, zone),
        last_skipped=organisation.skipped_recharges.first(),
    )


def open_attempt(organisation: Organisation) -> RechargeAttempt | None:
    attempts = RechargeAttempt.objects.select_related("top_up")
    return attempts.filter(organisation=organisation, state__in=OPEN_ATTEMPT).first()


def _reasons(
    row: AutoRecharge,
    card: PaymentMethod,
    attempt: RechargeAttempt | None,
    cap: Cap | None,
) -> Iterator[_Why]:
    """In this order: what is under way, what stops it, what limits it."""
    state = attempt.state if attempt else ""
    declined = attempt.top_up.failure_code if attempt else ""
    if state in {AttemptState.CLAIMED, AttemptState.SENT}:
        yield _Why(RechargeState.CHARGING)
    if state == AttemptState.ACTION_REQUIRED:
        yield _Why(RechargeState.ACTION_REQUIRED, declined)
    if row.stopped_at is not None:
        yield _Why(RechargeState.SUSPENDED, "stopped_by_staff")
    if RechargeStop.in_force() is not None:
        yield _Why(RechargeState.SUSPENDED, "all_stopped")
    if attempt is not None:
        yield _Why(RechargeState.COOLING, declined, attempt.next_try_at)
    if card.suspended_at is not None:
        yield _Why(RechargeState.SUSPENDED, card.suspended_code)
    if cap is not None:
        yield _Why(RechargeState.CAPPED, cap.code, cap.until)
    yield _Why(RechargeState.ARMED)


def _long_cap(cap: Cap | None) -> Cap | None:
    """The minute between two recharges is no state of its own."""
    return cap if cap and cap.code != "too_soon" else None

"""The latest recharges, and the skipped ones, each with its reason (rule 5.4)."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import Organisation
from billing.decline_reasons import REASONS, decline_reason
from billing.models import AttemptState, RechargeAttempt, SkippedRecharge
from billing.recharging.recharge_words import ENDED, skipped_sentence
from credits.money import Micros

LATEST = 10

TONES = {
    AttemptState.PAID: "good",
    AttemptState.COOLING: "bad",
    AttemptState.FAILED: "bad",
    AttemptState.ACTION_REQUIRED: "warn",
}


@dataclass(frozen=True)
class RechargeRow:
    """One recharge: when, how much in micros, how it stands and why."""

    started_at: datetime
    top_up_id: int
    amount: Micros
    card: str
    state: str
    tone: str
    reason: str


@dataclass(frozen=True)
class SkippedRow:
    """Why a wallet below its trigger was not recharged; the last time of that day."""

    last_at: datetime
    times: int
    reason: str


@dataclass(frozen=True)
class RechargeHistory:
    recharges: list[RechargeRow]
    skipped: list[SkippedRow]


def read_recharges(organisation: Organisation) -> RechargeHistory:
    """Newest first, ten of each at most."""
    attempts = RechargeAttempt.objects.filter(organisation=organisation)
    latest = attempts.select_related("top_up").prefetch_related("tries__payment_method")
    skipped = SkippedRecharge.objects.filter(organisation=organisation)
    return RechargeHistory(
        [_row(attempt) for attempt in latest.order_by("-pk")[:LATEST]],
        [
            SkippedRow(one.last_at, one.times, skipped_sentence(one.reason))
            for one in skipped.order_by("-last_at")[:LATEST]
        ],
    )


def _row(attempt: RechargeAttempt) -> RechargeRow:
    state = AttemptState(attempt.state)
    last = max(attempt.tries.all(), key=lambda one: one.number, default=None)
    code = "" if state == AttemptState.PAID else attempt.top_up.failure_code
    return RechargeRow(
        started_at=attempt.started_at,
        top_up_id=attempt.top_up_id,
        amount=attempt.top_up.credit_micros,
        card=last.payment_method.title if last else "",
        state=str(state.label),
        tone=TONES.get(state, ""),
        reason=reason_of(code),
    )


def reason_of(code: str) -> str:
    """Why it was declined, or ended before it was charged; '' where all is well."""
    if not code:
        return ""
    is_ours = code in ENDED and code not in REASONS
    return skipped_sentence(code) if is_ours else decline_reason(code)

"""What Stripe says about a recharge becomes the state of its try and of the attempt.

Ends here from every side: our own call, its resending, an event, reconciliation. News
of a try that has ended changes nothing, so they may come in any order and any number
of times (rules 5.3, 5.5 and 5.6). The caller holds the locks of wallet and sale.
"""

from datetime import datetime, timedelta

from billing.gateway import TRY, Payment
from billing.models import (
    AttemptState,
    AutoRecharge,
    PaymentMethod,
    RechargeAttempt,
    RechargeTry,
    TopUp,
    TopUpState,
    TryOutcome,
)
from billing.recharging.card_breaker import count_decline, reset_breaker
from billing.recharging.decline_classes import is_hard, needs_holder
from billing.recharging.end_recharge import end_recharge
from billing.recharging.tell_recharges import (
    tell_action_required,
    tell_declined,
    tell_paused,
    tell_recovered,
)

# After the first, second and third decline in a row.
TRIED_AGAIN_AFTER = (timedelta(hours=1), timedelta(hours=2), timedelta(hours=4))
LOOKED_AT_EVERY = timedelta(hours=1)


def note_recharge_paid(top_up: TopUp, payment: Payment, *, at: datetime) -> None:
    """The sale is paid: the attempt has ended and its card's breaker is closed.

    Where its owner paid at the page, that is the card of the settings.
    """
    attempt = _attempt_of(top_up)
    one = try_of(attempt, payment)
    rows = AutoRecharge.objects.select_related("organisation")
    row = rows.filter(organisation=top_up.organisation_id).first()
    if one is not None:
        one.outcome, one.stripe_payment_intent_id = TryOutcome.PAID, payment.id
        one.failure_code, one.ended_at = "", at
        one.save()
    attempt.state, attempt.ended_at = AttemptState.PAID, at
    attempt.next_try_at = None
    attempt.save(update_fields=["state", "ended_at", "next_try_at"])
    card_id = one.payment_method_id if one else row.payment_method_id if row else None
    was_amiss = card_id is not None and reset_breaker(card_id)
    if was_amiss and row is not None and row.payment_method.suspended_at is None:
        tell_recovered(row, row.payment_method, episode=attempt.reference, at=at)


def note_recharge_unpaid(top_up: TopUp, payment: Payment, *, at: datetime) -> None:
    """Processing, declined, or to be approved by the card's owner."""
    attempt = _attempt_of(top_up)
    one = try_of(attempt, payment)
    if one is None or one.ended_at is not None:
        _note_on_session(top_up, attempt, payment)
        return
    one.stripe_payment_intent_id = payment.id
    top_up.stripe_payment_intent_id = payment.id
    top_up.failure_code = payment.failure_code
    if payment.status == "processing":
        one.outcome = TryOutcome.PROCESSING
        top_up.state = TopUpState.PROCESSING
        attempt.next_try_at = at + LOOKED_AT_EVERY
    else:
        top_up.state = TopUpState.STARTED
        _settle(attempt, one, payment, at)
    one.save()
    top_up.save()
    attempt.save(update_fields=["state", "used_backup", "next_try_at"])
    _conclude(attempt, one, at=at)


def note_card_gone(attempt: RechargeAttempt, one: RechargeTry, *, at: datetime) -> None:
    """Stripe keeps the card no more: a hard decline, and nothing was charged."""
    attempt.top_up.failure_code = "card_gone"
    attempt.top_up.save(update_fields=["failure_code"])
    _decline(attempt, one, "card_gone", at)
    one.save()
    attempt.save(update_fields=["state", "used_backup", "next_try_at"])
    _conclude(attempt, one, at=at)


def try_of(attempt: RechargeAttempt, payment: Payment) -> RechargeTry | None:
    """The try a payment belongs to; None for one that its owner made at a page."""
    tries = attempt.tries.select_related("payment_method")
    return tries.filter(stripe_key=payment.metadata.get(TRY, "")).first()


def _attempt_of(top_up: TopUp) -> RechargeAttempt:
    attempt = RechargeAttempt.objects.select_for_update().get(top_up=top_up)
    attempt.top_up = top_up
    return attempt


def _settle(
    attempt: RechargeAttempt, one: RechargeTry, payment: Payment, at: datetime
) -> None:
    is_asked = payment.status == "requires_action"
    if is_asked or needs_holder(payment.failure_code):
        one.outcome, one.ended_at = TryOutcome.ACTION_REQUIRED, at
        one.failure_code = payment.failure_code
        attempt.state, attempt.next_try_at = AttemptState.ACTION_REQUIRED, None
    else:
        _decline(attempt, one, payment.failure_code or payment.status, at)


def _decline(
    attempt: RechargeAttempt, one: RechargeTry, code: str, at: datetime
) -> None:
    """Counts it at the card, and says when and on which card it is tried again."""
    one.outcome, one.failure_code, one.ended_at = TryOutcome.DECLINED, code, at
    one.payment_method = card = count_decline(one.payment_method_id, code, at=at)
    attempt.state = AttemptState.COOLING
    if card.suspended_at is None:
        attempt.next_try_at = at + TRIED_AGAIN_AFTER[card.declines - 1]
    elif is_hard(code) and not attempt.used_backup and _backup(attempt, card, at):
        attempt.used_backup, attempt.next_try_at = True, at
    else:
        attempt.next_try_at = None


def _conclude(attempt: RechargeAttempt, one: RechargeTry, *, at: datetime) -> None:
    """Tells its owner; an attempt that waits for nothing has failed."""
    card = one.payment_method
    if attempt.state == AttemptState.ACTION_REQUIRED:
        tell_action_required(attempt, card, at=at)
    elif attempt.state == AttemptState.COOLING:
        if card.suspended_at is None:
            tell_declined(attempt, card, one.failure_code, at=at)
        else:
            tell_paused(attempt, card, at=at)
        if attempt.next_try_at is None:
            end_recharge(attempt, code=one.failure_code, at=at)


def backup_of(attempt: RechargeAttempt) -> PaymentMethod | None:
    rows = AutoRecharge.objects.select_related("backup")
    row = rows.filter(organisation=attempt.organisation_id).first()
    return row.backup if row else None


def _backup(attempt: RechargeAttempt, card: PaymentMethod, at: datetime) -> bool:
    """Whether the other card may be charged: once while the first one is paused."""
    backup = backup_of(attempt)
    if backup is None or backup.pk == card.pk:
        return False
    today = attempt.organisation.local_day(at)
    since = card.suspended_at or at
    went_before = RechargeAttempt.objects.filter(
        organisation=attempt.organisation_id, used_backup=True, started_at__gte=since
    )
    return backup.may_be_charged(today) and not went_before.exists()


def _note_on_session(top_up: TopUp, attempt: RechargeAttempt, payment: Payment) -> None:
    """Its owner pays at the page: on its way there, or not paid yet."""
    if attempt.state != AttemptState.ACTION_REQUIRED:
        return  # late news of a try that has ended
    is_under_way = payment.status == "processing"
    top_up.state = TopUpState.PROCESSING if is_under_way else TopUpState.STARTED
    top_up.save(update_fields=["state"])

"""A card's breaker: declines in a row, and the pause that a person ends (rule 5.5).

It belongs to the card, whatever becomes of the settings, and is stored: time alone
never closes it. A dispute's pause ends with the dispute. The caller of what is counted
holds the wallet's lock; resuming takes it.
"""

from datetime import datetime

from django.db import transaction
from django_q.tasks import async_task

from accounts.audit import record_audit
from accounts.models import User
from billing.models import (
    AttemptState,
    AutoRecharge,
    PaymentMethod,
    RechargeAttempt,
    RechargeCause,
)
from billing.models.cards import DISPUTED
from billing.recharging.decline_classes import is_hard
from billing.recharging.tell_recharges import tell_recovered
from billing.refusals import CardDisputed
from credits.lock import lock_wallet
from credits.refresh import NUDGE

MOST_DECLINES = 4


def count_decline(card_id: int, code: str, *, at: datetime) -> PaymentMethod:
    """One more in a row; a hard one, or the fourth, pauses the card."""
    card = PaymentMethod.objects.select_for_update().get(pk=card_id)
    card.declines += 1
    if card.suspended_at is None and (is_hard(code) or card.declines >= MOST_DECLINES):
        card.suspended_at, card.suspended_code = at, code
    card.save(update_fields=["declines", "suspended_at", "suspended_code"])
    return card


def reset_breaker(card_id: int) -> bool:
    """After a payment: the count begins anew; whether anything was amiss before."""
    card = PaymentMethod.objects.select_for_update().get(pk=card_id)
    if card.suspended_code == DISPUTED or not (card.declines or card.suspended_at):
        return False
    card.declines, card.suspended_at, card.suspended_code = 0, None, ""
    card.save(update_fields=["declines", "suspended_at", "suspended_code"])
    return True


def resume_after_top_up(organisation_id: int, *, episode: str, at: datetime) -> None:
    """A paid top-up closes the breaker of the card that auto-recharge charges."""
    rows = AutoRecharge.objects.select_related("organisation", "payment_method")
    row = rows.filter(organisation=organisation_id).first()
    if row is None:
        return
    was_paused = row.payment_method.suspended_at is not None
    if reset_breaker(row.payment_method_id) and was_paused:
        tell_recovered(row, row.payment_method, episode=episode, at=at)


def resume_payment_method(
    method: PaymentMethod, *, actor: User | None, at: datetime, reason: str = ""
) -> PaymentMethod:
    """A person lets the card be charged again; what waits is tried at once.

    Only staff do so while a payment on it is disputed. Not paused, nothing changes.
    """
    with transaction.atomic():
        lock_wallet(method.organisation_id)
        card = PaymentMethod.objects.select_for_update().get(pk=method.pk)
        if card.suspended_code == DISPUTED and not (actor and actor.is_staff):
            raise CardDisputed
        if not (card.declines or card.suspended_at):
            return card
        before = {"declines": card.declines, "paused_because": card.suspended_code}
        card.declines, card.suspended_at, card.suspended_code = 0, None, ""
        card.save(update_fields=["declines", "suspended_at", "suspended_code"])
        waiting = RechargeAttempt.objects.filter(
            organisation=method.organisation_id, state=AttemptState.COOLING
        )
        waiting.update(next_try_at=at)
        record_audit(
            "resume_payment_method",
            at=at,
            organisation=method.organisation,
            actor=actor,
            object=card.reference,
            reason=reason,
            before=before,
        )
        async_task(NUDGE, RechargeCause.CARD.value, method.organisation_id)
    return card

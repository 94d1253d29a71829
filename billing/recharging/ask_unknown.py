"""Asks how the charges went whose answer never came (rule 5.3).

Of tries that were sent and whose outcome is unknown, and of no others: nothing new is
charged here. Until 23 hours after it was first sent the same key is sent again, later
Stripe's payments are only looked through; what is not there is for staff to decide.
"""

import logging
from datetime import datetime

from django.db.models import F, Q, QuerySet

from billing.models import AttemptState, RechargeTry, TryOutcome
from billing.recharging.recharge import KEY_LASTS, RESENT_AFTER, ask_about_sent
from billing.refusals import PaymentsUnavailable

logger = logging.getLogger(__name__)


def unknown_tries() -> "QuerySet[RechargeTry]":
    """Sent, and nobody knows what became of them."""
    return RechargeTry.objects.filter(
        attempt__state=AttemptState.SENT,
        outcome=TryOutcome.UNKNOWN,
        first_sent_at__isnull=False,
    )


def ask_about_unknown_tries(at: datetime, *, limit: int = 20) -> int:
    """Asks about the longest unasked first; how many were asked about.

    Called again with the same moment, it goes on with the others. One whose call may
    still be running is left alone.
    """
    unasked = Q(looked_at=None) | Q(looked_at__lt=at)
    waiting = unknown_tries().filter(unasked, last_sent_at__lte=at - RESENT_AFTER)
    asked = 0
    for one in waiting.order_by(F("looked_at").asc(nulls_first=True), "pk")[:limit]:
        # Noted first: one that cannot be asked about must not block the others.
        RechargeTry.objects.filter(pk=one.pk).update(looked_at=at)
        try:
            ask_about_sent(one.attempt_id, at=at)
        except PaymentsUnavailable:
            break
        except Exception:
            logger.exception("%s could not be asked about", one)
        asked += 1
    return asked


def ask_about_try(one: RechargeTry, *, at: datetime) -> bool:
    """Asks about one; whether Stripe knew more than we did, or is for staff now.

    False where both sides know the same, or its call may still be running.
    """
    one.refresh_from_db()
    sent = one.last_sent_at
    if not unknown_tries().filter(pk=one.pk).exists() or sent is None:
        return False
    if at - sent >= RESENT_AFTER:
        ask_about_sent(one.attempt_id, at=at)
        one.refresh_from_db()
    is_known = one.outcome != TryOutcome.UNKNOWN
    return is_known or at >= (one.first_sent_at or sent) + KEY_LASTS

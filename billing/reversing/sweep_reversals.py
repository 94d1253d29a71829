"""Asks Stripe about refunds on their way and disputes not decided (rule 4.7).

Looks at state, so a lost event or a crash between our row and Stripe heals itself. The
longest unasked come first; called again with the same moment, it goes on with others.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import F, Model, Q, QuerySet

from billing.models import Dispute, Refund, RefundState
from billing.refusals import PaymentsUnavailable
from billing.reversing.dispute import apply_dispute
from billing.reversing.refund import finish_refund

logger = logging.getLogger(__name__)

ASK_AFTER = timedelta(minutes=2)
ASK_AGAIN_AFTER = timedelta(hours=1)


def go_on_with_refunds(at: datetime, *, limit: int = 50) -> int:
    """Sends again what has no answer, asks about what is pending; how many."""
    open_ones = Refund.objects.filter(
        state__in=[RefundState.REQUESTED, RefundState.PENDING],
        top_up__isnull=False,
        requested_at__lte=at - ASK_AFTER,
    )
    unanswered = Q(state=RefundState.REQUESTED) & _not_asked_since(at)
    due = open_ones.filter(unanswered | _not_asked_since(at - ASK_AGAIN_AFTER))
    return _each(due, lambda pk: finish_refund(pk, at=at), at, limit)


def look_at_disputes(at: datetime, *, limit: int = 50) -> int:
    """Asks how open disputes stand; how many."""
    due = Dispute.objects.filter(closed_at=None)
    due = due.filter(_not_asked_since(at - ASK_AGAIN_AFTER))

    def look(pk: int) -> object:
        return apply_dispute(Dispute.objects.get(pk=pk).stripe_dispute_id, at=at)

    return _each(due, look, at, limit)


def _not_asked_since(moment: datetime) -> Q:
    return Q(looked_at=None) | Q(looked_at__lt=moment)


def _each(
    due: "QuerySet[Model]", ask: Callable[[int], object], at: datetime, limit: int
) -> int:
    asked = 0
    longest_unasked = due.order_by(F("looked_at").asc(nulls_first=True), "pk")
    for pk in longest_unasked.values_list("pk", flat=True)[:limit]:
        # Noted first: one that cannot be asked about must not block the others.
        due.model._default_manager.filter(pk=pk).update(looked_at=at)
        try:
            ask(pk)
        except PaymentsUnavailable:
            break
        except Exception:
            logger.exception("%s %s: Stripe could not be asked", due.model, pk)
        asked += 1
    return asked

"""Asks Stripe about what its events may have failed to tell us.

Looks at state, so a missed run or a lost event heals itself: open top-ups, events that
nobody could work. Everything ends in the verbs that the webhook uses. Nothing is locked
here. `open_orders` and `compare_with_stripe` go round.
"""

import logging
from datetime import datetime, timedelta

from django.db.models import F, Q

from accounts.staff_tasks import raise_staff_task
from billing.convert.close_pages import close_payment_page
from billing.models import StripeInbox, TopUp
from billing.refusals import PaymentsUnavailable
from billing.top_up import finish_top_up
from billing.work_event import work_event

logger = logging.getLogger(__name__)

EVENT_NOT_WORKED = "stripe_event_not_worked"
MOST_TRIES = 10
# A webhook usually was quicker; after this we ask.
ASK_AFTER = timedelta(minutes=2)
# A page that reloads itself asks this often at most.
LOOK_EVERY = timedelta(seconds=3)


def look_again(top_up: TopUp, *, at: datetime) -> TopUp:
    """A quick look when the customer returns from the payment page.

    Stripe being away is not the customer's concern: the sweep looks again later.
    """
    looked = top_up.looked_at
    if not top_up.is_open or (looked is not None and at - looked < LOOK_EVERY):
        return top_up
    try:
        return finish_top_up(top_up.pk, at=at)
    except PaymentsUnavailable:
        return top_up


def reconcile_top_ups(at: datetime, *, limit: int = 50) -> int:
    """Asks about open top-ups, the longest unasked first; how many were asked about.

    Called again with the same moment, it goes on with the others.
    """
    unasked = Q(looked_at=None) | Q(looked_at__lt=at)
    waiting = TopUp.objects.still_open().filter(unasked, started_at__lte=at - ASK_AFTER)
    longest_unasked = waiting.order_by(F("looked_at").asc(nulls_first=True), "pk")
    asked = 0
    for top_up in longest_unasked.select_related("organisation")[:limit]:
        # Noted first: a top-up that cannot be asked about must not block the others.
        TopUp.objects.filter(pk=top_up.pk).update(looked_at=at)
        try:
            buyer = top_up.organisation
            if buyer.buys_credits and buyer.closed_at is None:
                finish_top_up(top_up.pk, at=at)
            else:
                close_payment_page(top_up, at=at)
        except PaymentsUnavailable:
            break
        except Exception:
            logger.exception("top-up %s could not be reconciled", top_up.pk)
        asked += 1
    return asked


def work_waiting_events(at: datetime, *, limit: int = 20) -> int:
    """Works again what no job managed to; after many tries it is for staff."""
    waiting = StripeInbox.objects.filter(
        worked_at=None, received_at__lte=at - ASK_AFTER
    ).order_by("tries", "pk")
    worked = 0
    for event in waiting[:limit]:
        if event.tries >= MOST_TRIES:
            raise_staff_task(
                EVENT_NOT_WORKED,
                reference=event.event_id,
                detail=f"{event.type}: {event.error}",
                at=at,
            )
            continue
        try:
            work_event(event.pk, at=at)
        except PaymentsUnavailable:
            break
        except Exception:
            logger.exception("Stripe event %s could not be worked", event.event_id)
        worked += 1
    return worked

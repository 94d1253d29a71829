"""An event of Stripe is kept: one inbox row and one job, however often it comes.

It comes by webhook; one whose webhook was lost is found in Stripe's own list, which
goes back a month, and goes the same way.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import transaction
from django_q.tasks import async_task

from billing import gateway
from billing.models import StripeInbox

# What the endpoint asks for; each ends in `work_event`.
EVENTS = (
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.updated",
    "checkout.session.async_payment_failed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.completed",
    "checkout.session.expired",
    "payment_intent.canceled",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.succeeded",
    "refund.created",
    "refund.failed",
    "refund.updated",
    "setup_intent.succeeded",
)
# A webhook usually was quicker; what is older was lost.
WEBHOOK_TAKES = timedelta(minutes=2)


class Listed(NamedTuple):
    """One page of Stripe's list: how many, how many we had never got, and its end."""

    seen: int
    lost: int
    last: str


def keep_event(event: Mapping[str, Any], *, at: datetime) -> bool:
    """Whether it is new; then its job is queued in the same transaction."""
    with transaction.atomic():
        inbox, is_new = StripeInbox.objects.get_or_create(
            event_id=event["id"],
            defaults={"type": event["type"], "payload": event, "received_at": at},
        )
        if is_new:
            async_task("billing.jobs.work_inbox", inbox.pk)
    return is_new


def keep_lost_events(
    since: datetime, *, at: datetime, after: str = "", limit: int = 100
) -> Listed:
    """Keeps what Stripe lists and never reached us; `last` is '' after the last page.

    What is younger than its webhook may take is left to the webhook.
    """
    page = gateway.page_of_events(since, EVENTS, after=after, limit=limit)
    named = [event["id"] for event in page]
    known = set(
        StripeInbox.objects.filter(event_id__in=named).values_list(
            "event_id", flat=True
        )
    )
    old_enough = int((at - WEBHOOK_TAKES).timestamp())
    lost = [
        event
        for event in page
        if event["id"] not in known and event["created"] <= old_enough
    ]
    for event in reversed(lost):
        keep_event(event, at=at)
    return Listed(len(page), len(lost), named[-1] if len(page) == limit else "")

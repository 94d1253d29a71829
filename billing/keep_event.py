"""An event of Stripe is kept: one inbox row and one job, however often it comes.

It comes by webhook; one whose webhook was lost is found in Stripe's own list, which
goes back a month, and goes the same way.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django_q.tasks import async_task

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
    "invoice.finalized",
    "invoice.marked_uncollectible",
    "invoice.paid",
    "invoice.payment_action_required",
    "invoice.payment_failed",
    "invoice.voided",
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


def keep_if_lost(event: Mapping[str, Any], *, at: datetime) -> bool:
    """Keeps an event that Stripe lists and that never came; whether it was one.

    What is younger than a webhook may take is left to the webhook.
    """
    is_late = event["created"] <= int((at - WEBHOOK_TAKES).timestamp())
    return is_late and keep_event(event, at=at)

"""Stripe's events come in: one inbox row and one job each, nothing else.

dj-stripe verifies the signature, keeps what arrived and then calls `keep_event` instead
of its own processing, inside a transaction of its own: no call to Stripe may be made
here. An error is raised again, so that Stripe sends once more.
"""

from django.db import transaction
from django.utils import timezone
from django_q.tasks import async_task
from djstripe.models import WebhookEventTrigger

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


def keep_event(trigger: WebhookEventTrigger, api_key: str) -> None:
    """The event, kept once however often Stripe sends it."""
    event = trigger.json_body
    with transaction.atomic():
        inbox, is_new = StripeInbox.objects.get_or_create(
            event_id=event["id"],
            defaults={
                "type": event["type"],
                "payload": event,
                "received_at": timezone.now(),
            },
        )
        if is_new:
            async_task("billing.jobs.work_inbox", inbox.pk)

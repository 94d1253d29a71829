"""Stripe's events come in: one inbox row and one job each, nothing else.

dj-stripe verifies the signature, keeps what arrived and then calls `keep_event` instead
of its own processing, inside a transaction of its own: no call to Stripe may be made
here. An error is raised again, so that Stripe sends once more.
"""

from django.utils import timezone
from djstripe.models import WebhookEventTrigger

from billing import keep_event as verb


def keep_event(trigger: WebhookEventTrigger, api_key: str) -> None:
    """The event, kept once however often Stripe sends it."""
    verb.keep_event(trigger.json_body, at=timezone.now())

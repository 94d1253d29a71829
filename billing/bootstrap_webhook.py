"""Asks Stripe to send its events here, once per address.

Stripe tells the signing secret only when the endpoint is made, so it is made by us and
kept in dj-stripe's row. An endpoint that both sides still know is left alone.
"""

import uuid
from typing import Any

import stripe
from django.conf import settings
from djstripe.models import WebhookEndpoint

from billing.gateway import calling_stripe, stripe_account
from billing.keep_event import EVENTS


def bootstrap_webhook(base_url: str) -> WebhookEndpoint:
    address = f"{base_url.rstrip('/')}/stripe/webhook/"
    known = WebhookEndpoint.objects.filter(url__startswith=address).exclude(secret="")
    for endpoint in known:
        if _is_in_use(endpoint.id):
            return endpoint
    # What Stripe does not send to any more would only warn at every start.
    known.delete()
    uid = uuid.uuid4()
    account = stripe_account()
    # Stripe's types list every event and version by name; ours are checked there.
    wanted: dict[str, Any] = {
        "enabled_events": list(EVENTS),
        "api_version": settings.STRIPE_API_VERSION,
    }
    with calling_stripe():
        made = stripe.WebhookEndpoint.create(
            **account,
            **wanted,
            idempotency_key=f"webhook:{uid}",
            url=f"{address}{uid}/",
            metadata={"djstripe_uuid": str(uid)},
        )
        return WebhookEndpoint.sync_from_stripe_data(made, api_key=account["api_key"])


def _is_in_use(endpoint_id: str) -> bool:
    with calling_stripe():
        try:
            found = stripe.WebhookEndpoint.retrieve(endpoint_id, **stripe_account())
        except stripe.InvalidRequestError:
            return False
    return found.status == "enabled" and set(EVENTS) <= set(found.enabled_events)

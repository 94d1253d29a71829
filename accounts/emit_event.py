"""Tells an organisation's own systems what happened: the outbox of webhooks.

Called inside the transaction of the deed, as notices are: an event is owed exactly when
the deed stands, and once however often it is told. `accounts/deliver.py` posts it
afterwards. An organisation without endpoints costs one read and nothing else.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django_q.tasks import async_task

from accounts.models import (
    Organisation,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from accounts.models.notice_kinds import AMOUNTS

JOB = "accounts.jobs.deliver_webhooks"


def emit_event(
    organisation: Organisation,
    event_type: str,
    data: Mapping[str, Any],
    *,
    reference: str,
    at: datetime,
) -> WebhookEvent | None:
    """The event, owed to every endpoint that wants its type; None where none does.

    `reference` says what happened: the same one makes no second event.
    """
    endpoints = [
        endpoint
        for endpoint in WebhookEndpoint.objects.working().filter(
            organisation=organisation
        )
        if endpoint.wants(event_type)
    ]
    if not endpoints:
        return None
    with transaction.atomic():
        event, is_new = WebhookEvent.objects.get_or_create(
            organisation=organisation,
            type=event_type,
            reference=reference,
            defaults={
                "public_id": f"evt_{uuid.uuid4().hex}",
                "data": dict(data),
                "created_at": at,
            },
        )
        if is_new:
            owe_deliveries(event, endpoints, at=at)
    return event


def owe_deliveries(
    event: WebhookEvent, endpoints: list[WebhookEndpoint], *, at: datetime
) -> None:
    """One delivery per endpoint, due now; call it inside a transaction."""
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(event=event, endpoint=endpoint, created_at=at, next_try_at=at)
        for endpoint in endpoints
    )
    async_task(JOB)


def event_data(facts: Mapping[str, str | int]) -> dict[str, Any]:
    """A notice's facts as the API writes them: amounts exact, the page as a link."""
    data: dict[str, Any] = {}
    currency = facts.get("currency", "")
    for name, fact in facts.items():
        if name in AMOUNTS and isinstance(fact, int) and currency:
            data[name] = {"amount": _exact(fact), "currency": currency}
        elif name == "path":
            data["url"] = f"{settings.SITE_URL}{fact}"
        elif name != "currency":
            data[name] = fact
    return data


def _exact(micros: int) -> str:
    return str(Decimal(micros).scaleb(-6).quantize(Decimal("0.000001")))

"""Posts the events that endpoints are owed, and tries again later and later.

A delivery is claimed by compare-and-set: of two senders one posts it. A claim runs out,
so that a sender which dies is followed by another: an event arrives at least once, and
its `webhook-id` is the same each time. Several are posted at once, since an endpoint
may take ten seconds; no transaction is open meanwhile.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from time import monotonic

from cryptography.fernet import InvalidToken
from django.db import transaction
from django.db.models import F
from django.urls import reverse

from accounts.models import (
    NoticeKind,
    WebhookDelivery,
    WebhookEndpoint,
    WhyOff,
)
from accounts.notify import owe_notice
from accounts.post_webhook import Answer, post
from accounts.sign_webhook import signed_headers
from accounts.webhook_secret import unseal

# After the first failure, the second …; after the last the event is given up.
BACK_OFF = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
TRIES = len(BACK_OFF) + 1
DISABLED_AFTER = timedelta(days=5)
GONE = 410
CLAIM = timedelta(minutes=2)  # longer than a batch may take
AT_ONCE = 8
SECONDS_AT_MOST = 25  # a job has forty, and its last batch may take ten


def deliver_due_webhooks(at: datetime, limit: int = 500) -> int:
    """How many were delivered; what does not fit is left to the next call."""
    began, delivered, seen = monotonic(), 0, 0
    with ThreadPoolExecutor(AT_ONCE) as threads:
        while seen < limit and monotonic() - began < SECONDS_AT_MOST:
            batch = list(_claimed(at))
            if not batch:
                break
            seen += len(batch)
            answers = threads.map(partial(_try, at=at), batch)
            for delivery, answer in zip(batch, answers, strict=True):
                delivered += _keep(delivery, answer, at)
    return delivered


def _claimed(at: datetime) -> Iterator[WebhookDelivery]:
    due = WebhookDelivery.objects.filter(next_try_at__lte=at)
    rows = due.select_related("event", "endpoint__organisation")
    for delivery in rows.order_by("next_try_at", "id")[:AT_ONCE]:
        if not delivery.endpoint.is_working:
            WebhookDelivery.objects.filter(pk=delivery.pk).update(next_try_at=None)
            continue
        unclaimed = WebhookDelivery.objects.filter(
            pk=delivery.pk, next_try_at=delivery.next_try_at, tries=delivery.tries
        )
        if unclaimed.update(tries=F("tries") + 1, next_try_at=at + CLAIM):
            delivery.tries += 1
            yield delivery


def _try(delivery: WebhookDelivery, at: datetime) -> Answer:
    """In a thread of its own: asks the database nothing."""
    body, endpoint = body_of(delivery), delivery.endpoint
    try:
        keys = valid_secrets(endpoint, at=at)
    except InvalidToken:
        return Answer(None, "the secret cannot be opened; rotate it", 0)
    headers = {
        "content-type": "application/json",
        "user-agent": "Tollgate-Webhooks/1",
        **signed_headers(delivery.event.public_id, body, keys, at=at),
    }
    return post(endpoint.url, body, headers)


def body_of(delivery: WebhookDelivery) -> bytes:
    """The same bytes at every try."""
    event = delivery.event
    happened = event.created_at.astimezone(UTC).isoformat()
    said = {
        "type": event.type,
        "timestamp": happened.replace("+00:00", "Z"),
        "data": event.data,
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def valid_secrets(endpoint: WebhookEndpoint, *, at: datetime) -> list[str]:
    """The newest first; the one before it for a day after it was replaced."""
    sealed = [endpoint.secret]
    if endpoint.old_secret_until is not None and at < endpoint.old_secret_until:
        sealed.append(endpoint.old_secret)
    return [unseal(one) for one in sealed]


def _keep(delivery: WebhookDelivery, answer: Answer, at: datetime) -> bool:
    """Writes down how the try went; True when the event was delivered."""
    row = WebhookDelivery.objects.filter(pk=delivery.pk)
    seen = {
        "tried_at": at,
        "status": answer.status,
        "error": answer.problem[:200],
        "milliseconds": answer.milliseconds,
    }
    endpoint = WebhookEndpoint.objects.filter(pk=delivery.endpoint_id)
    with transaction.atomic():
        if answer.is_delivered:
            row.update(**seen, delivered_at=at, next_try_at=None)
            endpoint.exclude(failing_since=None).update(failing_since=None)
            return True
        row.update(**seen, next_try_at=_next_try(delivery, at))
        endpoint.filter(failing_since=None).update(failing_since=at)
        _disable_if_hopeless(endpoint.get(), answer, at)
    return False


def _next_try(delivery: WebhookDelivery, at: datetime) -> datetime | None:
    if delivery.tries >= TRIES:
        return None
    wait = BACK_OFF[delivery.tries - 1]
    # Up to a tenth later, by row: what failed together does not come back together.
    return at + wait + wait * (delivery.pk % 10) / 100


def _disable_if_hopeless(
    endpoint: WebhookEndpoint, answer: Answer, at: datetime
) -> None:
    """Gone at once, or nothing but failures for five days; its owner is told."""
    is_gone = answer.status == GONE
    since = endpoint.failing_since or at
    if endpoint.disabled_at or not (is_gone or at - since >= DISABLED_AFTER):
        return
    endpoint.disabled_at = at
    endpoint.disabled_code = WhyOff.GONE if is_gone else WhyOff.FAILING
    endpoint.save(update_fields=["disabled_at", "disabled_code"])
    owe_notice(
        NoticeKind.WEBHOOK_DISABLED,
        organisation=endpoint.organisation,
        episode=f"webhook-endpoint:{endpoint.pk}:{since.isoformat()}",
        context={
            "url": endpoint.url,
            "since": since.isoformat(),
            "is_gone": int(is_gone),
            "path": reverse("webhook_endpoint", args=[endpoint.pk]),
        },
        at=at,
    )

"""Drops what outgoing webhooks delivered long ago; what is owed or failed stays.

Nothing is locked: what was delivered is never written again.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from accounts.models import WebhookDelivery, WebhookEvent

KEPT_FOR = timedelta(days=90)


def forget_webhooks(at: datetime, *, limit: int = 5000) -> int:
    """Deliveries that arrived, then events of which nothing is left; how many events.

    Both older than 90 days, the oldest `limit` first; the next run takes the others.
    """
    before = at - KEPT_FOR
    arrived = WebhookDelivery.objects.filter(delivered_at__lt=before)
    old = arrived.filter(event__created_at__lt=before).order_by("pk")
    _drop(WebhookDelivery, old.values_list("pk", flat=True)[:limit])
    told = WebhookEvent.objects.filter(created_at__lt=before, deliveries=None)
    return _drop(WebhookEvent, told.order_by("pk").values_list("pk", flat=True)[:limit])


def _drop(
    model: type[WebhookDelivery] | type[WebhookEvent], keys: "QuerySet[Any, int]"
) -> int:
    found = list(keys)
    model.objects.filter(pk__in=found).delete()
    return len(found)

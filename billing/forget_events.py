"""Drops Stripe's events that were worked long ago; one that was not worked stays.

Stripe lists its events for thirty days, so what is dropped is never found anew.
"""

from datetime import datetime, timedelta

from billing.models import StripeInbox

KEPT_FOR = timedelta(days=90)


def forget_events(at: datetime, *, limit: int = 5000) -> int:
    """How many were dropped: worked more than 90 days ago, the oldest `limit` first."""
    old = StripeInbox.objects.filter(worked_at__lt=at - KEPT_FOR).order_by("pk")
    found = list(old.values_list("pk", flat=True)[:limit])
    StripeInbox.objects.filter(pk__in=found).delete()
    return len(found)

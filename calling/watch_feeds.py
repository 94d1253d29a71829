"""Notices feeds that fell silent, and tells staff once until they speak again.

Looks only at records that came since the last look; a source that never sent anything
is not missed. Two lookers at once tell the same task. Locks nothing.
"""

from datetime import datetime, timedelta

from django.db.models import Max, Q

from accounts.staff_tasks import raise_staff_task
from calling.models import RawRecord, Source

SILENT = "feed_silent"
MARGIN = 50_000  # ids: a batch may commit after those that took later ids


def hear_feeds(after: int) -> int:
    """Notes when each source was last heard; returns where to go on the next time."""
    fresh = RawRecord.objects.filter(pk__gt=after)
    last = after
    for source_id, heard_at, newest in (
        fresh.order_by().values_list("source").annotate(Max("received_at"), Max("pk"))
    ):
        earlier = Q(heard_at=None) | Q(heard_at__lt=heard_at)
        Source.objects.filter(earlier, pk=source_id).update(heard_at=heard_at)
        last = max(last, newest)
    return max(0, last - MARGIN)


def tell_silent_feeds(at: datetime) -> int:
    """A task for each source that is overdue, one a silence; how many are silent."""
    watched = Source.objects.filter(
        expected_every__isnull=False, heard_at__isnull=False
    )
    silent = 0
    for source in watched:
        heard_at, minutes = source.heard_at, source.expected_every
        if heard_at is None or minutes is None:
            continue
        if at - heard_at <= timedelta(minutes=minutes):
            continue
        silent += 1
        raise_staff_task(
            SILENT,
            reference=f"{source.slug} {heard_at:%Y-%m-%dT%H:%M:%S}",
            detail=f"No call record came from {source.slug} since "
            f"{heard_at:%Y-%m-%d %H:%M} UTC; one was expected every "
            f"{minutes} minutes.",
            at=at,
        )
    return silent

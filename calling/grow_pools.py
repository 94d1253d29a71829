"""Gives the minutes of licences that were added in the month, at once (rule 1.6).

Called after a licence or a subscription was written. A pool never shrinks here: what
was granted stays granted, and the next month starts with its own size. Locks the
wallet, then the pools.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from accounts.models import Organisation
from calling.models import MinutePool
from calling.pool_size import Sizes, period_of, read_sizes
from credits.lock import lock_wallet


def grow_pools(organisation: Organisation, *, at: datetime) -> int:
    """Makes the running month's pools as large as the licences say; how many grew."""
    with transaction.atomic():
        lock_wallet(organisation.pk)
        pools = (
            MinutePool.objects.select_for_update(no_key=True)
            .filter(organisation=organisation, ends_at__gt=at)
            .order_by("pk")
        )
        sizes = read_sizes([organisation.pk])
        return sum(_grow(pool, sizes, organisation) for pool in pools)


def _grow(pool: MinutePool, sizes: Sizes, organisation: Organisation) -> bool:
    size = sizes.seconds(
        pool.organisation_id,
        pool.family,
        pool.bucket,
        country=pool.usage_country,
        line_id=pool.line_id,
        period=period_of(pool.period_start, organisation.zone),
    )
    more = size - pool.granted_seconds
    if more <= 0:
        return False
    MinutePool.objects.filter(pk=pool.pk).update(
        granted_seconds=F("granted_seconds") + more,
        remaining_seconds=F("remaining_seconds") + more,
        exhausted_at=None,
    )
    return True

"""Makes the running month's pools as large as the licences say (rule 1.6).

Called by whatever changes licences. What was added gives its minutes at once; where
licences were given up, a pool keeps what calls have drawn or reserved of it. Locks the
wallet, then the pools.
"""

from datetime import datetime

from django.db import transaction

from accounts.models import Organisation
from calling.models import MinutePool
from calling.pool_size import Sizes, period_of, read_sizes
from credits.lock import lock_wallet


def resize_pools(organisation: Organisation, *, at: datetime) -> int:
    """How many pools became larger or smaller."""
    with transaction.atomic():
        lock_wallet(organisation.pk)
        pools = (
            MinutePool.objects.select_for_update(no_key=True)
            .filter(organisation=organisation, starts_at__lte=at, ends_at__gt=at)
            .order_by("pk")
        )
        sizes = read_sizes([organisation.pk])
        return sum(_resize(pool, sizes, organisation, at) for pool in pools)


def _resize(
    pool: MinutePool, sizes: Sizes, organisation: Organisation, at: datetime
) -> bool:
    size = sizes.seconds(
        pool.organisation_id,
        pool.family,
        pool.bucket,
        country=pool.usage_country,
        line_id=pool.line_id,
        period=period_of(pool.period_start, organisation.zone),
    )
    drawn = pool.granted_seconds - pool.remaining_seconds
    granted = max(size, drawn + pool.reserved_seconds)
    if granted == pool.granted_seconds:
        return False
    remaining = granted - drawn
    if granted > pool.granted_seconds:
        pool.exhausted_at = None
    elif remaining == 0:
        pool.exhausted_at = pool.exhausted_at or at
    pool.granted_seconds, pool.remaining_seconds = granted, remaining
    pool.save(update_fields=["granted_seconds", "remaining_seconds", "exhausted_at"])
    return True

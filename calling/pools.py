"""Minute pools of a month: found, made when first needed, and written back (rule 7).

The caller holds the locks of the wallets, so no pool is made twice.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from calling.allocate import PoolKey, PoolState
from calling.models import MinutePool
from calling.pool_size import Sizes, period_of, read_sizes
from credits.bulk import read_rows, update_rows

_STATE = (
    "pk",
    "granted_seconds",
    "remaining_seconds",
    "reserved_seconds",
    "exhausted_at",
)
_WRITTEN = ("remaining_seconds", "reserved_seconds", "exhausted_at")


class PlanKey(NamedTuple):
    """The buckets that end together where one used-up bucket ends all."""

    organisation_id: int
    period_start: date
    usage_country: str
    family: str
    line_id: int | None


class Pools:
    """The pools of a batch's organisations and months, while it is allocated."""

    def __init__(self, ends_all: Collection[str]) -> None:
        self.ends_all = ends_all  # families of which one used-up bucket ends all
        self.by_key: dict[PoolKey, PoolState] = {}
        self.by_id: dict[int, PoolState] = {}
        self.by_plan: dict[PlanKey, list[PoolState]] = {}

    def add(self, key: PoolKey, pool: PoolState) -> None:
        self.by_key[key] = self.by_id[pool.id] = pool
        if pool.ends_all:
            self.by_plan.setdefault(_plan_key(key), []).append(pool)

    def choose(self, keys: Iterable[PoolKey]) -> PoolState | None:
        """The first of these pools that still has something to give."""
        for key in keys:
            pool = self.by_key[key]
            if pool.remaining > pool.reserved and not self._has_ended(key, pool):
                return pool
        return None

    def write(self, at: datetime) -> None:
        """Saves what changed; one statement."""
        rows = [
            (pool.id, pool.remaining, pool.reserved, at if pool.is_exhausted else None)
            for pool in sorted(self.by_id.values(), key=lambda pool: pool.id)
            if pool.changed
        ]
        update_rows(MinutePool, "id", _WRITTEN, rows)

    def _has_ended(self, key: PoolKey, pool: PoolState) -> bool:
        if not pool.ends_all:
            return False
        return any(other.is_exhausted for other in self.by_plan[_plan_key(key)])


def _plan_key(key: PoolKey) -> PlanKey:
    return PlanKey(*key[:4], key.line_id)


def read_pools(
    organisation_ids: Collection[int],
    months: Collection[date],
    ends_all: Collection[str],
    *,
    lock: bool = True,
) -> Pools:
    """The pools there are, locked unless only asked about; one statement."""
    found = Pools(ends_all)
    rows = MinutePool.objects.filter(
        organisation__among=set(organisation_ids), period_start__in=months
    ).order_by("pk")
    if lock:
        rows = rows.select_for_update(no_key=True)
    for row in read_rows(rows.values_list(*PoolKey._fields, *_STATE)):
        key = PoolKey._make(row[:-5])
        pk, granted, remaining, reserved, exhausted_at = row[-5:]
        found.add(
            key,
            PoolState(
                pk,
                key.family,
                key.bucket,
                granted,
                remaining,
                reserved,
                ends_all=key.family in ends_all,
                is_exhausted=exhausted_at is not None,
            ),
        )
    return found


def make_missing(
    pools: Pools, missing: Mapping[PoolKey, ZoneInfo], *, save: bool = True
) -> None:
    """Makes the pools that a first call of the month asks for, in their zones.

    A quote only asks what they would be and saves none.
    """
    if not missing:
        return
    keys = sorted(missing, key=str)
    sizes = read_sizes({key.organisation_id for key in keys})
    rows = [_new_pool(key, sizes, missing[key]) for key in keys]
    if save:
        rows = MinutePool.objects.bulk_create(rows)
    for key, row in zip(keys, rows, strict=True):
        granted = row.granted_seconds
        ends_all = key.family in pools.ends_all
        state = (row.pk, key.family, key.bucket, granted, granted, 0, ends_all)
        pools.add(key, PoolState(*state))


def _new_pool(key: PoolKey, sizes: Sizes, zone: ZoneInfo) -> MinutePool:
    period = period_of(key.period_start, zone)
    seconds = sizes.seconds(
        key.organisation_id,
        key.family,
        key.bucket,
        country=key.usage_country,
        line_id=key.line_id,
        period=period,
    )
    return MinutePool(
        **key._asdict(),
        starts_at=period.starts_at,
        ends_at=period.ends_at,
        granted_seconds=seconds,
        remaining_seconds=seconds,
    )

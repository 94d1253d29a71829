"""Tells an organisation that its included minutes run out: at 80 % and at 100 % (M).

A sweep over the pools of the running month (rules 7.4 and 11): each share is told once,
and again only after the pool had become 10 % freer, as by added licences. The row is
claimed by compare-and-set in the transaction that owes the message, so two sweeps do
not tell twice. Settling is not slowed by it.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.urls import reverse

from accounts.models import NoticeKind
from accounts.notify import owe_notice
from calling.models import CallingPlan, MinutePool

LOW, USED_UP = 80, 100
SHARE_LOW = 5  # a fifth is left
SHARE_FREE = 3  # three tenths are left: the condition cleared by 10 %
POOLS_AT_MOST = 500


def tell_used_pools(at: datetime) -> int:
    """How many pools were told of; leaves the rest to the next call."""
    running = MinutePool.objects.filter(
        starts_at__lte=at, ends_at__gt=at, granted_seconds__gt=0
    )
    _rearm(running)
    told = 0
    used_up = Q(exhausted_at__isnull=False) | Q(remaining_seconds=0)
    low = Q(remaining_seconds__lte=F("granted_seconds") / SHARE_LOW)
    due = running.filter(
        (used_up & Q(told_percent__lt=USED_UP)) | (low & Q(told_percent__lt=LOW))
    )
    for pool in due.select_related("organisation").order_by("pk")[:POOLS_AT_MOST]:
        told += _tell(pool, at)
    return told


def _rearm(running: QuerySet[MinutePool]) -> None:
    """A pool that has become freer can be told of again."""
    free = Q(remaining_seconds__gt=F("granted_seconds") / 10 * SHARE_FREE)
    running.filter(free, exhausted_at=None, told_percent__gt=0).update(told_percent=0)


def _tell(pool: MinutePool, at: datetime) -> bool:
    is_used_up = pool.exhausted_at is not None or pool.remaining_seconds == 0
    percent = USED_UP if is_used_up else LOW
    with transaction.atomic():
        untold = MinutePool.objects.filter(pk=pool.pk, told_percent=pool.told_percent)
        if not untold.update(told_percent=percent):
            return False
        owe_notice(
            NoticeKind.POOL_USED if is_used_up else NoticeKind.POOL_LOW,
            organisation=pool.organisation,
            episode=f"pool:{pool.pk}:{percent}:{at:%Y-%m-%dT%H:%M:%S}",
            context={
                "plan": _plan_name(pool),
                "bucket": pool.bucket,
                "granted": pool.granted_seconds // 60,
                "left": pool.remaining_seconds // 60,
                "resets_at": pool.ends_at.isoformat(),
                "path": reverse("pool", args=[pool.pk]),
            },
            at=at,
        )
    return True


def _plan_name(pool: MinutePool) -> str:
    plans = CallingPlan.objects.filter(
        family=pool.family, billing_mode=pool.organisation.billing_mode
    )
    names = plans.order_by("-version").values_list("name", flat=True)
    return names.first() or pool.family

"""Closes every month that has been over for 72 hours (rule 10.1).

The month that is due is one for all organisations of a zone, and at most two all over
the world. A run that was missed heals itself: what is not closed is looked for, not
what was last done.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Organisation
from billing.invoicing.close_month import close_months
from billing.models import ClosedMonth
from credits.draw import LATE_USAGE

AT_A_TIME = 50_000
# So long is looked for late calls of an organisation that was closed.
AFTER_CLOSING = timedelta(days=100)


def close_due_months(at: datetime, *, limit: int = AT_A_TIME) -> int:
    """Closes at most so many; how many, and zero when nothing is due."""
    closed = 0
    for month, zones in _due(at):
        ids = list(_unclosed(month, zones, at)[: limit - closed])
        if ids:
            closed += close_months(ids, month, at=at)
        if closed >= limit:
            break
    return closed


def due_month(zone: ZoneInfo, at: datetime) -> date:
    """The first of the newest month that ended 72 hours ago or earlier there."""
    day = (at - LATE_USAGE).astimezone(zone).date()
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


def _due(at: datetime) -> Iterator[tuple[date, list[str]]]:
    zones: dict[date, list[str]] = {}
    names = Organisation.objects.order_by().values_list("time_zone", flat=True)
    for name in names.distinct():
        zones.setdefault(due_month(ZoneInfo(name), at), []).append(name)
    yield from sorted(zones.items())


def _unclosed(
    month: date, zones: list[str], at: datetime
) -> "QuerySet[Organisation, int]":
    closed = ClosedMonth.objects.filter(organisation=OuterRef("pk"), month__gte=month)
    there = Organisation.objects.filter(
        Q(closed_at=None) | Q(closed_at__gt=at - AFTER_CLOSING),
        ~Exists(closed),
        time_zone__in=zones,
        opened_at__lt=at - LATE_USAGE,
        wallet__isnull=False,
    )
    return there.order_by("pk").values_list("pk", flat=True)

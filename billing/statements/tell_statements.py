"""Owes the message that a month's statement is ready (rules 10.5 and 11).

On the first days of a month, where the organisation is: a statement goes by booked
entries, so it is ready when the month is over. Once per organisation and month, to
those whose wallet was moved in it or holds something. A run that was missed heals
itself for as long as those days last.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.urls import reverse

from accounts.models import NoticeEpisode, NoticeKind, Organisation
from accounts.notify import owe_notice
from calling.pool_size import Period, period_of
from credits.models import LedgerEntry

DAYS = 3
KIND = NoticeKind.STATEMENT_READY


def tell_statements(at: datetime, *, limit: int = 100) -> int:
    """Looks at the next organisations that were not told; how many."""
    looked_at = 0
    for month, zones in sorted(_months_over(at).items()):
        told = NoticeEpisode.objects.filter(
            organisation=OuterRef("pk"), kind=KIND, subject=f"{month:%Y-%m}"
        )
        untold = Organisation.objects.filter(
            ~Exists(told), closed_at=None, time_zone__in=zones, wallet__last_seq__gt=0
        )
        for organisation in untold.order_by("pk")[: limit - looked_at]:
            _tell(organisation, period_of(month, organisation.zone), at=at)
            looked_at += 1
    return looked_at


def _months_over(at: datetime) -> dict[date, list[str]]:
    """By the month that ended a few days ago, the zones where it did."""
    zones: dict[date, list[str]] = {}
    for name in _zones():
        day = at.astimezone(ZoneInfo(name)).date()
        if day.day <= DAYS:
            month = (day.replace(day=1) - timedelta(days=1)).replace(day=1)
            zones.setdefault(month, []).append(name)
    return zones


def _zones() -> Iterator[str]:
    names = Organisation.objects.order_by().values_list("time_zone", flat=True)
    yield from names.distinct()


def _tell(organisation: Organisation, period: Period, *, at: datetime) -> None:
    month = f"{period.start_on:%Y-%m}"
    with transaction.atomic():
        _episode, is_new = NoticeEpisode.objects.get_or_create(
            organisation=organisation,
            kind=KIND,
            subject=month,
            closed_at=None,
            defaults={"opened_at": at},
        )
        if is_new and _has_statement(organisation, period):
            owe_notice(
                KIND,
                organisation=organisation,
                episode=f"statement:{organisation.pk}:{month}",
                context={
                    "month": period.start_on.isoformat(),
                    "path": reverse("statement", args=[month]),
                },
                at=at,
            )


def _has_statement(organisation: Organisation, period: Period) -> bool:
    mine = LedgerEntry.objects.filter(organisation=organisation)
    before = mine.filter(booked_at__lt=period.ends_at).order_by("-wallet_seq")
    newest = before.values_list("balance_after", "booked_at").first()
    if newest is None:
        return False
    balance, booked_at = newest
    return balance != 0 or booked_at >= period.starts_at

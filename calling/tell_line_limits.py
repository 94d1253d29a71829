"""Tells an organisation that a line nears its monthly limit, and that it reached it.

A sweep over the lines that called since the last one (rules 1.4 and 11): at the line's
own warning, else at 80 %, and at 100 %, each once a month, and again only after it had
cleared by 10 %. What a limited line has spent is read where it is kept. The line is
claimed by compare-and-set in the transaction that owes the message. Settling is not
slowed by it; the hard stop is a matter of asking first.
"""

from collections.abc import Iterable
from datetime import date, datetime
from itertools import groupby

from django.db import transaction
from django.db.models import Max, Q
from django.urls import reverse

from accounts.models import NoticeKind, Organisation
from accounts.notify import owe_notice
from calling.line_months import keep_line_months, spent_in_month
from calling.models import Charge, Line
from calling.pool_size import period_of
from credits.money import Micros

NEAR, REACHED = 80, 100
CLEARED = 10
MARGIN = 50_000  # ids: a batch may commit after those that took later ids


def tell_line_limits(after: int, at: datetime) -> tuple[int, int]:
    """How many lines were told of, and where to go on the next time."""
    fresh = Charge.objects.filter(pk__gt=after)
    last = fresh.aggregate(last=Max("pk"))["last"] or after
    limited = Line.objects.filter(
        Q(monthly_limit__isnull=False) | Q(monthly_warning__isnull=False)
    )
    called = fresh.filter(line__in=limited).order_by().values("line").distinct()
    lines = limited.filter(pk__in=called).select_related("organisation")
    told = 0
    for organisation, theirs in groupby(
        lines.order_by("organisation_id", "pk"), lambda line: line.organisation
    ):
        told += _tell_of(organisation, list(theirs), at)
    return told, max(after, last - MARGIN)


def _tell_of(organisation: Organisation, lines: Iterable[Line], at: datetime) -> int:
    month = organisation.local_day(at).replace(day=1)
    by_id = {line.pk: line for line in lines}
    keep_line_months(organisation.pk, by_id, month)
    spent = spent_in_month(organisation.pk, by_id, month)
    return sum(_tell(line, spent.get(pk, 0), month, at) for pk, line in by_id.items())


def _tell(line: Line, spent: Micros, month: date, at: datetime) -> bool:
    percent, mark = share_reached(line, spent)
    known = line.told_percent or 0 if line.told_month == month else 0
    due = percent > known
    told = percent if due else _still_told(line, spent, known)
    if told == known and not due:
        return False
    with transaction.atomic():
        as_read = Line.objects.filter(
            pk=line.pk, told_month=line.told_month, told_percent=line.told_percent
        )
        if not as_read.update(told_month=month, told_percent=told) or not due:
            return False
        organisation = line.organisation
        resets_at = period_of(month, organisation.zone).ends_at
        owe_notice(
            NoticeKind.LINE_LIMIT_REACHED
            if percent == REACHED
            else NoticeKind.LINE_LIMIT_NEAR,
            organisation=organisation,
            episode=f"line:{line.pk}:{percent}:{at:%Y-%m-%dT%H:%M:%S}",
            context={
                "line": line.name,
                "spent": spent,
                "limit": mark,
                "currency": organisation.currency,
                "resets_at": resets_at.isoformat(),
                "path": reverse("line", args=[line.pk]),
            },
            at=at,
        )
    return True


def share_reached(line: Line, spent: Micros) -> tuple[int, Micros]:
    """100, 80 or 0, and the amount that was reached; 80 stands for the own warning."""
    limit, warning = line.monthly_limit, _warning(line)
    if limit is not None and spent >= limit:
        return REACHED, limit
    if warning is not None and spent >= warning:
        return NEAR, warning
    return 0, 0


def _warning(line: Line) -> Micros | None:
    if line.monthly_warning is not None or line.monthly_limit is None:
        return line.monthly_warning
    return -(-line.monthly_limit * NEAR // 100)


def _still_told(line: Line, spent: Micros, known: int) -> int:
    """What stays told: a share that cleared by 10 % can be told of again."""
    marks = ((REACHED, line.monthly_limit), (NEAR, _warning(line)))
    for percent, mark in marks:
        holds = mark is not None and spent * 100 >= mark * (100 - CLEARED)
        if known >= percent and holds:
            return percent
    return 0

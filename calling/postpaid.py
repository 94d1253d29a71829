"""What a month bills after use so far, against the limit (rules 9.5 and 10.4).

A plain read of the daily totals; no statement depends on the number of calls.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Sum

from accounts.models import Organisation
from calling.models import SpendingLimit, UsageDay
from calling.pool_size import next_month, period_of
from credits.draw import LATE_USAGE
from credits.funds import share_text
from credits.money import Micros


@dataclass(frozen=True)
class Spending:
    """A month's post-paid charges in micros, and the limit they are held against."""

    month: date
    resets_at: datetime
    spent: Micros
    limit: Micros | None = None
    is_hard: bool = False

    @property
    def percent(self) -> int:
        """Whole percent of the limit, cut; 0 without one."""
        return self.spent * 100 // self.limit if self.limit else 0

    @property
    def is_reached(self) -> bool:
        return self.limit is not None and self.spent >= self.limit

    @property
    def share(self) -> str:
        """What a bar shows."""
        return share_text(min(self.spent, self.limit), self.limit) if self.limit else ""


@dataclass(frozen=True)
class PostpaidMonth:
    """The month that is billed after use: so far, expected of all of it, and when.

    `expected` is None where nobody can say.
    """

    spending: Spending
    expected: Micros | None
    invoiced_on: date


def read_spending(organisation: Organisation, *, today: date) -> Spending:
    """The month of `today`, a day where the organisation is; two statements."""
    limit = SpendingLimit.objects.filter(organisation=organisation).first()
    spent = read_postpaid([organisation.pk], today.replace(day=1))
    return spending_of(organisation, limit, spent.get(organisation.pk, 0), today=today)


def spending_of(
    organisation: Organisation,
    limit: SpendingLimit | None,
    spent: Micros,
    *,
    today: date,
) -> Spending:
    period = period_of(today.replace(day=1), organisation.zone)
    return Spending(
        month=period.start_on,
        resets_at=period.ends_at,
        spent=spent,
        limit=limit.amount if limit is not None else None,
        is_hard=limit is not None and limit.is_hard,
    )


def read_postpaid(organisation_ids: Collection[int], month: date) -> dict[int, Micros]:
    """By organisation what its calls of that month are billed after use; one statement.

    `month` is its first day.
    """
    days = UsageDay.objects.filter(
        organisation__among=set(organisation_ids),
        day__gte=month,
        day__lt=next_month(month),
    )
    sums = days.order_by().values_list("organisation_id")
    return dict(sums.annotate(Sum("postpaid_amount")))


def invoiced_on(organisation: Organisation, today: date) -> date:
    """The day on which the month of `today` is closed and its invoice made (10.1)."""
    ends_at = period_of(today.replace(day=1), organisation.zone).ends_at
    return organisation.local_day(ends_at + LATE_USAGE)

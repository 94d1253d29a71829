"""How large a minute pool is: licences × minutes (rules 1.5, 1.6 and 7.1)."""

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from calling.models import LicenceBase, Subscription
from calling.models.plans import QuantityChange


class Period(NamedTuple):
    """A calendar month somewhere, half-open (rule 12)."""

    start_on: date
    end_on: date
    starts_at: datetime
    ends_at: datetime
    zone: ZoneInfo


def next_month(month: date) -> date:
    """The first of the month after that of a first."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


@lru_cache(maxsize=1000)
def period_of(month: date, zone: ZoneInfo) -> Period:
    following = next_month(month)
    start, end = (
        datetime(day.year, day.month, 1, tzinfo=zone).astimezone(UTC)
        for day in (month, following)
    )
    return Period(month, following, start, end, zone)


class Grant(NamedTuple):
    """A subscription's bucket and, where one is given out, one of its licences."""

    organisation_id: int
    organisation_country: str
    subscription_id: int
    quantity: int
    starts_at: datetime
    ends_at: datetime | None
    family: str
    licence_base: str
    bucket: str
    minutes: int
    line_id: int | None
    usage_country: str | None
    assigned_at: datetime | None
    released_at: datetime | None

    def runs(self, at: datetime) -> bool:
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)

    def is_assigned(self, at: datetime) -> bool:
        begun = self.assigned_at is not None and self.assigned_at <= at
        return begun and (self.released_at is None or at < self.released_at)


class Change(NamedTuple):
    """When a subscription got more licences, or fewer."""

    subscription_id: int
    changed_at: datetime
    before: int
    after: int


class Step(NamedTuple):
    """Minutes that count for so many days of the month."""

    minutes: int
    days: int
    from_day: date


class Sizes:
    """The grants of some organisations, and how many licences there were when."""

    def __init__(self, grants: Iterable[Grant], changes: Iterable[Change] = ()) -> None:
        self.grants: dict[tuple[int, str, str], list[Grant]] = {}
        for grant in grants:
            key = (grant.organisation_id, grant.family, grant.bucket)
            self.grants.setdefault(key, []).append(grant)
        self.changes: dict[int, list[Change]] = {}
        for change in changes:
            self.changes.setdefault(change.subscription_id, []).append(change)

    def seconds(
        self,
        organisation_id: int,
        family: str,
        bucket: str,
        *,
        country: str,
        line_id: int | None,
        period: "Period",
    ) -> int:
        """Licences × minutes; licences added later in the month count pro rata."""
        grants = self.grants.get((organisation_id, family, bucket), [])
        days = (period.end_on - period.start_on).days
        steps = self.steps(grants, country, line_id, period)
        return 60 * sum(-(-step.minutes * step.days // days) for step in steps)

    def steps(
        self,
        grants: Collection[Grant],
        country: str,
        line_id: int | None,
        period: "Period",
    ) -> list[Step]:
        """What a month's size is made of, in the order it was added.

        Counts are compared, not licences: one that moves to another line adds nothing,
        nor does the NCE twin that takes a prepaid plan's place. What begins on the
        first day with any licence counts in full; minutes are rounded up, and where the
        organisation gives licences up the newest go first (rule 1.6).
        """
        days = (period.end_on - period.start_on).days
        changes = self._changes_of(grants)
        fewer = {
            change.changed_at for change in changes if change.after < change.before
        }
        first: date | None = None
        steps: list[Step] = []
        for at in _moments(grants, changes, period):
            minutes = self._minutes(grants, at, country, line_id)
            more = minutes - sum(step.minutes for step in steps)
            if more > 0:
                day = max(at.astimezone(period.zone).date(), period.start_on)
                first = first or day
                left = days if day == first else (period.end_on - day).days
                steps.append(Step(more, left, day))
            elif more < 0 and at in fewer:
                steps = _without_newest(steps, -more)
        return steps

    def _changes_of(self, grants: Collection[Grant]) -> list[Change]:
        subscriptions = {grant.subscription_id for grant in grants}
        return [
            change
            for pk in sorted(subscriptions)
            for change in self.changes.get(pk, ())
        ]

    def _minutes(
        self,
        grants: Collection[Grant],
        at: datetime,
        country: str,
        line_id: int | None,
    ) -> int:
        running = [grant for grant in grants if grant.runs(at)]
        given = [grant for grant in running if grant.is_assigned(at)]
        if line_id is not None:
            return sum(grant.minutes for grant in given if grant.line_id == line_id)
        here = [
            grant for grant in given if not country or grant.usage_country == country
        ]
        return sum(grant.minutes for grant in here) + sum(
            self._unassigned(grant, given, at) * grant.minutes
            for grant in {grant.subscription_id: grant for grant in running}.values()
            if grant.licence_base == LicenceBase.PURCHASED
            # A licence that no line has yet is used where the organisation is.
            and (not country or grant.organisation_country == country)
        )

    def _unassigned(self, grant: Grant, given: Collection[Grant], at: datetime) -> int:
        same = [one for one in given if one.subscription_id == grant.subscription_id]
        return max(0, self.quantity(grant, at) - len(same))

    def quantity(self, grant: Grant, at: datetime) -> int:
        """How many licences there were at a moment: as before the next change."""
        for change in self.changes.get(grant.subscription_id, ()):
            if change.changed_at > at:
                return change.before
        return grant.quantity


def _without_newest(steps: list[Step], minutes: int) -> list[Step]:
    kept = list(steps)
    while minutes > 0 and kept:
        newest = kept.pop()
        if newest.minutes > minutes:
            kept.append(newest._replace(minutes=newest.minutes - minutes))
        minutes -= newest.minutes
    return kept


def _moments(
    grants: Collection[Grant], changes: Collection[Change], period: "Period"
) -> list[datetime]:
    """The moments of the month at which the licences in force may change in number."""
    moments = {grant.starts_at for grant in grants}
    moments |= {grant.assigned_at for grant in grants if grant.assigned_at is not None}
    moments |= {change.changed_at for change in changes}
    within = {
        moment for moment in moments if period.starts_at < moment < period.ends_at
    }
    return [period.starts_at, *sorted(within)]


def read_sizes(organisation_ids: Collection[int]) -> Sizes:
    """What the organisations' subscriptions include; two queries."""
    rows = Subscription.objects.filter(
        organisation__among=set(organisation_ids), plan__buckets__isnull=False
    ).values_list(
        "organisation_id",
        "organisation__country",
        "pk",
        "quantity",
        "starts_at",
        "ends_at",
        "plan__family",
        "plan__licence_base",
        "plan__buckets__bucket",
        "plan__buckets__minutes",
        "licence_rows__line_id",
        "licence_rows__line__usage_country",
        "licence_rows__assigned_at",
        "licence_rows__released_at",
    )
    changes = (
        QuantityChange.objects.filter(organisation__among=set(organisation_ids))
        .order_by("subscription_id", "changed_at", "id")
        .values_list(*Change._fields)
    )
    return Sizes([Grant(*row) for row in rows], [Change(*row) for row in changes])

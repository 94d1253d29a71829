"""How large a minute pool is: licences × minutes (rules 1.5 and 7.1)."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import NamedTuple, TypeAlias

from calling.models import LicenceBase, Subscription

Period: TypeAlias = tuple[datetime, datetime]


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


class Sizes:
    """The grants of some organisations."""

    def __init__(self, grants: Iterable[Grant]) -> None:
        self.grants: dict[tuple[int, str, str], list[Grant]] = {}
        for grant in grants:
            key = (grant.organisation_id, grant.family, grant.bucket)
            self.grants.setdefault(key, []).append(grant)

    def seconds(
        self,
        organisation_id: int,
        family: str,
        bucket: str,
        *,
        country: str,
        line_id: int | None,
        period: Period,
    ) -> int:
        """The most licences in force together within the month, times their minutes.

        The most, not the last: a licence that moves to another line counts once, and
        so do a prepaid plan and its NCE twin of the same month.
        """
        grants = self.grants.get((organisation_id, family, bucket), [])
        return max(
            (
                _minutes(grants, at, country, line_id) * 60
                for at in _changes(grants, period)
            ),
            default=0,
        )


def _changes(grants: Collection[Grant], period: Period) -> Iterator[datetime]:
    start, end = period
    yield start
    for grant in grants:
        for moment in (grant.starts_at, grant.assigned_at):
            if moment is not None and start < moment < end:
                yield moment


def _minutes(
    grants: Collection[Grant], at: datetime, country: str, line_id: int | None
) -> int:
    running = [grant for grant in grants if grant.runs(at)]
    given = [grant for grant in running if grant.is_assigned(at)]
    if line_id is not None:
        return sum(grant.minutes for grant in given if grant.line_id == line_id)
    here = [grant for grant in given if not country or grant.usage_country == country]
    return sum(grant.minutes for grant in here) + sum(
        _unassigned(grant, given) * grant.minutes
        for grant in {grant.subscription_id: grant for grant in running}.values()
        if grant.licence_base == LicenceBase.PURCHASED
        # A licence that no line has yet is used where the organisation is.
        and (not country or grant.organisation_country == country)
    )


def _unassigned(grant: Grant, given: Collection[Grant]) -> int:
    same = [one for one in given if one.subscription_id == grant.subscription_id]
    return max(0, grant.quantity - len(same))


def read_sizes(organisation_ids: Collection[int]) -> Sizes:
    """What the organisations' subscriptions include; one query."""
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
    return Sizes([Grant(*row) for row in rows])

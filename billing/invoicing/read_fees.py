"""What licences cost: the coming month in advance, and what changed within a month.

A subscription that runs when a month begins is billed for the whole of it (rule 10.1).
One that begins later is billed for the rest of that month, a change of quantity as it
was noted, and one that ends before its month is over gets the rest back, all by the day
(rule 1.6). A move between prepaid and NCE puts a twin in a subscription's place: at the
same price and quantity that changes nothing, so nothing is billed twice.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q

from billing.invoicing.draft import DraftLine
from billing.models import LineKind
from calling.models import Subscription
from calling.models.plans import QuantityChange
from calling.pool_size import next_month, period_of
from calling.pro_rata import fee_for_rest, rest_of_month
from credits.money import Micros, to_micros


@dataclass(frozen=True)
class Paid:
    """How far an organisation's licences are billed: whole months, and changes."""

    through: date | None
    until: datetime | None


@dataclass
class Licences:
    """A subscription with all its changes of quantity, the oldest first."""

    id: int
    organisation_id: int
    plan: str
    family: str
    price: Micros
    quantity: int
    starts_at: datetime
    ends_at: datetime | None
    changes: list[QuantityChange] = field(default_factory=list)

    def quantity_at(self, at: datetime) -> int:
        """How many licences there were just before a moment."""
        for change in self.changes:
            if change.changed_at >= at:
                return change.before
        return self.quantity

    def runs(self, at: datetime) -> bool:
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)

    @property
    def first_quantity(self) -> int:
        return self.changes[0].before if self.changes else self.quantity


def read_licences(
    organisation_ids: Collection[int], *, since: datetime | None
) -> dict[int, list[Licences]]:
    """By organisation the subscriptions that ran after `since`; two statements."""
    rows = Subscription.objects.filter(organisation__among=set(organisation_ids))
    if since is not None:
        rows = rows.filter(Q(ends_at=None) | Q(ends_at__gte=since))
    found: dict[int, list[Licences]] = {}
    by_id: dict[int, Licences] = {}
    columns = ("pk", "organisation_id", "plan__name", "plan__family", "plan__price")
    times = ("quantity", "starts_at", "ends_at")
    for row in rows.order_by("starts_at", "pk").values_list(*columns, *times):
        pk, organisation_id, plan, family, price, *rest = row
        licences = Licences(pk, organisation_id, plan, family, _micros(price), *rest)
        found.setdefault(organisation_id, []).append(licences)
        by_id[pk] = licences
    changes = QuantityChange.objects.filter(organisation__among=set(organisation_ids))
    for change in changes.order_by("changed_at", "pk"):
        if change.subscription_id in by_id:
            by_id[change.subscription_id].changes.append(change)
    return found


def fee_lines(
    licences: Collection[Licences],
    paid: Paid,
    *,
    through: date,
    until: datetime,
    zone: ZoneInfo,
) -> list[DraftLine]:
    """What is due beyond what is paid: whole months with `through`, changes before."""
    lines = [
        line
        for month in _months(licences, paid, through, zone)
        for line in _whole(licences, month, zone)
    ]
    return [*lines, *_changes(licences, paid, until, zone)]


def _months(
    licences: Collection[Licences], paid: Paid, through: date, zone: ZoneInfo
) -> Iterator[date]:
    if paid.through is not None:
        month = next_month(paid.through)
    elif licences:
        first = min(one.starts_at for one in licences)
        month = first.astimezone(zone).date().replace(day=1)
    else:
        return
    while month <= through:
        yield month
        month = next_month(month)


def _whole(
    licences: Collection[Licences], month: date, zone: ZoneInfo
) -> Iterator[DraftLine]:
    begins = period_of(month, zone).starts_at
    for one in licences:
        if one.runs(begins):
            quantity = one.quantity_at(begins)
            facts = _facts(one, month, quantity)
            yield from _line(LineKind.LICENCE, one.price * quantity, facts)


def _changes(
    licences: Collection[Licences], paid: Paid, until: datetime, zone: ZoneInfo
) -> Iterator[DraftLine]:
    def is_due(at: datetime | None) -> bool:
        if at is None or at >= until:
            return False
        return paid.until is None or at >= paid.until

    swapped = _swapped(licences)
    for one in licences:
        begins, ends = one.starts_at, one.ends_at
        if is_due(begins) and (one.id, begins) not in swapped:
            yield from _rest(one, one.first_quantity, begins, zone)
        for change in one.changes:
            if is_due(change.changed_at):
                more = change.after - change.before
                yield from _change(one, more, change.changed_at, change.fee, zone)
        if ends is not None and is_due(ends) and (one.id, ends) not in swapped:
            yield from _rest(one, -one.quantity, ends, zone)


def _swapped(licences: Collection[Licences]) -> set[tuple[int, datetime]]:
    """Ends and beginnings that are one, of twins at the same price and quantity."""
    ended = {(one.family, one.ends_at): one for one in licences if one.ends_at}
    swapped = set()
    for one in licences:
        twin = ended.get((one.family, one.starts_at))
        if twin is None or twin.id == one.id:
            continue
        if (twin.price, twin.quantity) == (one.price, one.first_quantity):
            swapped |= {(one.id, one.starts_at), (twin.id, one.starts_at)}
    return swapped


def _rest(
    one: Licences, licences: int, at: datetime, zone: ZoneInfo
) -> Iterator[DraftLine]:
    """Of a month that did not begin, or does not end, with the subscription."""
    rest = rest_of_month(at, zone)
    if at != rest.period.starts_at:
        fee = fee_for_rest(one.price, licences, rest)
        yield from _change(one, licences, at, fee, zone)


def _change(
    one: Licences, licences: int, at: datetime, fee: Micros, zone: ZoneInfo
) -> Iterator[DraftLine]:
    rest = rest_of_month(at, zone)
    facts = _facts(one, rest.period.start_on, licences)
    facts |= {"days": rest.days, "of": rest.of}
    yield from _line(LineKind.LICENCE_CHANGE, fee, facts)


def _facts(one: Licences, month: date, licences: int) -> dict[str, Any]:
    return {
        "plan": one.plan,
        "month": f"{month:%Y-%m}",
        "licences": licences,
        "price": one.price,
    }


def _line(kind: LineKind, amount: Micros, facts: dict[str, Any]) -> Iterator[DraftLine]:
    if amount:
        yield DraftLine(kind, amount, facts)


def _micros(price: Any) -> Micros:
    return to_micros(price if isinstance(price, Decimal) else price.amount)

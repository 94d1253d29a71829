"""The calls of a period, filtered, summed and paged, as the usage page shows them.

A plain read of the charges of each call's newest revision. Days are the organisation's
own; the sums are of everything that matches, not of the page.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from datetime import date, datetime, time, timedelta

from django.db.models import Aggregate, Count, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from calling.models import CallKind, CallRecord, Charge, Line, Rate
from credits.display import places_of
from credits.money import Micros

PAGE_SIZE = 50
NO_DEPARTMENT = "-"  # what a filter says for calls of no department
PAYERS: dict[str, tuple[Promise, Q]] = {
    "pool": (_("Plan minutes"), Q(pool_seconds__gt=0)),
    "credit": (_("Credits"), Q(credit_amount__gt=0)),
    "postpaid": (_("Billed after use"), Q(postpaid_amount__gt=0)),
    "debt": (_("Beyond the balance"), Q(debt_amount__gt=0)),
    "nobody": (_("Nobody, it is free"), Q(rated_amount=0)),
}


@dataclass(frozen=True)
class CallFilter:
    """Which calls; an empty word means all. `last` is the last day, included."""

    first: date
    last: date
    line_id: int | None = None
    destination: str = ""
    kind: str = ""
    paid_by: str = ""
    department: str = ""


@dataclass(frozen=True)
class CallRow:
    """One call of the table."""

    pk: int
    started_at: datetime
    line: str
    caller: str
    callee: str
    is_inbound: bool
    destination: str
    kind: CallKind
    seconds: int
    cost: Micros
    paid_by: tuple[Promise, ...]


@dataclass(frozen=True)
class CallTotals:
    calls: int = 0
    seconds: int = 0
    cost: Micros = 0
    pool: Micros = 0
    credit: Micros = 0
    postpaid: Micros = 0
    debt: Micros = 0

    @property
    def minutes(self) -> int:
        """Billed minutes; a part of a minute counts as one."""
        return -(-self.seconds // 60)

    @property
    def money(self) -> Micros:
        """What the plans did not cover."""
        return self.cost - self.pool

    def __add__(self, other: "CallTotals") -> "CallTotals":
        names = [each.name for each in fields(self)]
        return CallTotals(
            **{name: getattr(self, name) + getattr(other, name) for name in names}
        )


@dataclass(frozen=True)
class CallPage:
    """One page of the table, and the sums of all pages."""

    rows: list[CallRow]
    totals: CallTotals
    number: int
    pages: int
    places: int = field(default=2)

    @property
    def before(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def after(self) -> int | None:
        return self.number + 1 if self.number < self.pages else None


def read_call_page(
    organisation: Organisation, wanted: CallFilter, *, page: int
) -> CallPage:
    """Two statements: the sums, then one page, newest first."""
    charges = matching_charges(organisation, wanted)
    totals = sum_charges(charges)
    pages = max(1, -(-totals.calls // PAGE_SIZE))
    number = min(max(page, 1), pages)
    start = (number - 1) * PAGE_SIZE
    rows = list(call_rows(charges[start : start + PAGE_SIZE])) if totals.calls else []
    shown = [row.cost for row in rows] + [totals.cost, totals.credit, totals.pool]
    places = places_of(shown, organisation.currency)
    return CallPage(rows, totals, number, pages, places)


def matching_charges(
    organisation: Organisation, wanted: CallFilter
) -> QuerySet[Charge]:
    """Newest first; each charge with its call, its line and its destination's name."""
    zone = organisation.zone
    since = datetime.combine(wanted.first, time(), zone)
    until = datetime.combine(wanted.last + timedelta(days=1), time(), zone)
    charges = Charge.objects.filter(
        organisation=organisation,
        call_record__organisation=organisation,
        call_record__started_at__gte=since,
        call_record__started_at__lt=until,
        revision=F("call_record__revision"),
    ).annotate(destination=destination_name())
    if wanted.line_id:
        charges = charges.filter(line=wanted.line_id)
    if wanted.department == NO_DEPARTMENT:
        charges = charges.filter(Q(line=None) | Q(line__department=""))
    elif wanted.department:
        charges = charges.filter(line__department=wanted.department)
    if wanted.destination:
        charges = charges.filter(destination=wanted.destination)
    if wanted.kind:
        charges = charges.filter(kind=wanted.kind)
    if wanted.paid_by:
        charges = charges.filter(PAYERS[wanted.paid_by][1])
    newest = charges.order_by("-call_record__started_at", "-call_record_id")
    return newest.select_related("call_record", "line")


def destination_name() -> Subquery:
    rates = Rate.objects.filter(
        version=OuterRef("rate_card_version"), prefix=OuterRef("prefix")
    )
    return Subquery(rates.values("destination")[:1])


def call_rows(charges: Iterable[Charge]) -> Iterator[CallRow]:
    for charge in charges:
        call: CallRecord = charge.call_record
        yield CallRow(
            pk=call.pk,
            started_at=call.started_at,
            line=charge.line.name if charge.line else "",
            caller=call.caller,
            callee=call.callee,
            is_inbound=call.direction == "inbound",
            destination=getattr(charge, "destination", None) or "",
            kind=CallKind(call.kind),
            seconds=call.billable_seconds,
            cost=charge.rated_amount,
            paid_by=payers_of(charge),
        )


def payers_of(charge: Charge) -> tuple[Promise, ...]:
    """Who paid a part, in the order of rule 8."""
    parts = {
        "pool": charge.pool_seconds,
        "credit": charge.credit_amount,
        "postpaid": charge.postpaid_amount,
        "debt": charge.debt_amount,
    }
    return tuple(PAYERS[name][0] for name, part in parts.items() if part)


SUMS: dict[str, Aggregate | Coalesce] = {
    "calls": Count("id"),
    "cost": Coalesce(Sum("rated_amount"), 0),
    "seconds": Coalesce(Sum("billed_seconds"), 0),
    "pool": Coalesce(Sum("pool_amount"), 0),
    "credit": Coalesce(Sum("credit_amount"), 0),
    "postpaid": Coalesce(Sum("postpaid_amount"), 0),
    "debt": Coalesce(Sum("debt_amount"), 0),
}


def sum_charges(charges: QuerySet[Charge]) -> CallTotals:
    """What all of them come to; one statement."""
    return CallTotals(**charges.order_by().aggregate(**SUMS))


def lines_of(organisation: Organisation) -> list[tuple[int, str]]:
    """To choose from."""
    lines = Line.objects.filter(organisation=organisation).order_by("name")
    return list(lines.values_list("id", "name"))


def departments_of(organisation: Organisation) -> list[str]:
    """To choose from."""
    lines = Line.objects.filter(organisation=organisation).exclude(department="")
    named = lines.order_by("department").values_list("department", flat=True)
    return list(named.distinct())


def destinations_of(organisation: Organisation, first: date, last: date) -> list[str]:
    """What was called in the period, by name; to choose from."""
    charges = matching_charges(organisation, CallFilter(first, last))
    called = charges.order_by().values("rate_card_version", "prefix").distinct()
    names = called.annotate(name=destination_name()).values_list("name", flat=True)
    return sorted({name for name in names if name})

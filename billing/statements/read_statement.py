"""What moved the wallet in a month, by booked entries; it adds up (rules 10.1, 10.5).

A month begins with the first entry that was booked in it where the organisation is, and
all that follows belongs to it or to a later one. So one month's closing balance is the
next one's opening balance, whatever the clocks did. Plain reads; amounts in micros of
the wallet's currency, as shown where they are said to be.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db.models import Min, Q, QuerySet, Sum
from django.db.models.functions import TruncDate, TruncMonth
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from calling.pool_size import next_month, period_of
from credits.display import shown
from credits.models import EntryKind, LedgerEntry, Lot
from credits.money import Micros

CALLS = (EntryKind.SPEND, EntryKind.DEBT)
# What a statement sums up, in its order; a debt that is paid moves nothing.
MOVEMENTS: dict[str, tuple[str | Promise, tuple[EntryKind, ...]]] = {
    "added": (
        _("Funds added"),
        (
            EntryKind.PURCHASE,
            EntryKind.RECHARGE,
            EntryKind.STAFF_PAYMENT,
            EntryKind.PROMOTIONAL,
        ),
    ),
    "used": (_("Used for calls"), CALLS),
    "credited": (_("Calls credited"), (EntryKind.CREDIT_CALL,)),
    "expired": (_("Expired"), (EntryKind.EXPIRE,)),
    "refunded": (_("Refunded"), (EntryKind.REFUND,)),
    "disputed": (
        _("Disputed and restored"),
        (EntryKind.DISPUTE, EntryKind.RESTORED),
    ),
    "adjusted": (_("Adjusted"), (EntryKind.ADJUST,)),
    "invoiced": (_("Moved to an invoice"), (EntryKind.DEBT_INVOICED,)),
}


@dataclass(frozen=True)
class Movement:
    """One kind of change: its exact amount, and as it is shown."""

    name: str
    label: str | Promise
    amount: Micros
    shown: Micros = 0


@dataclass(frozen=True)
class Unposted:
    """A lot that has expired and still waits for late calls; in the closing balance."""

    lot: Lot
    amount: Micros


@dataclass(frozen=True)
class StatementRow:
    """One entry, or the calls that were booked on one day."""

    day: date
    kind: EntryKind
    amount: Micros
    shown: Micros
    balance_after: Micros
    note: str = ""


@dataclass
class Statement:
    """A month; opening plus movements is closing, exactly and as shown."""

    organisation: Organisation
    month: date
    is_over: bool
    opening: Micros
    closing: Micros
    movements: list[Movement] = field(default_factory=list)
    unposted: list[Unposted] = field(default_factory=list)
    entries: "QuerySet[LedgerEntry]" = field(default_factory=LedgerEntry.objects.none)

    @property
    def currency(self) -> str:
        return self.organisation.currency

    @property
    def reference(self) -> str:
        """How the kept document is named."""
        return f"statement:{self.month:%Y-%m}"

    @property
    def expired(self) -> Micros:
        """Of the closing balance, what has expired and is not posted yet."""
        return sum(one.amount for one in self.unposted)


def months_of(organisation: Organisation, at: datetime) -> list[date]:
    """The months there is a statement of, newest first, beginning with this one."""
    month = organisation.local_day(at).replace(day=1)
    first = organisation.local_day(organisation.opened_at).replace(day=1)
    months = []
    while first <= month:
        months.append(first)
        first = next_month(first)
    return months[::-1]


def read_statement(
    organisation: Organisation, month: date, *, at: datetime
) -> Statement:
    """The statement of the month of a first; five statements at most."""
    period = period_of(month, organisation.zone)
    first, after = _bounds(organisation, month)
    entries = LedgerEntry.objects.filter(organisation=organisation)
    mine = entries.filter(wallet_seq__gte=first) if first else entries.none()
    if after:
        mine = mine.filter(wallet_seq__lt=after)
    opening = _balance_before(entries, first or after)
    by_kind = mine.order_by().values("kind").annotate(sum=Sum("amount"))
    sums = dict(by_kind.values_list("kind", "sum"))
    return Statement(
        organisation,
        month,
        is_over=at >= period.ends_at,
        opening=opening,
        closing=opening + sum(sums.values()),
        movements=_movements(opening, sums, organisation.currency),
        unposted=_unposted(organisation, min(at, period.ends_at), after),
        entries=mine.order_by("wallet_seq"),
    )


def statement_rows(statement: Statement) -> list[StatementRow]:
    """What happened, oldest first, the calls of a day after what else it saw."""
    rows = [*_calls_by_day(statement), *_others(statement)]
    rows.sort(key=lambda row: (row[0], row[1] == EntryKind.SPEND))
    balance, told, currency = statement.opening, [], statement.currency
    for day, kind, amount, note in rows:
        before, balance = balance, balance + amount
        difference = shown(balance, currency) - shown(before, currency)
        told.append(StatementRow(day, kind, amount, difference, balance, note))
    return told


def _bounds(organisation: Organisation, month: date) -> tuple[int, int]:
    """The first entry of a month and of what comes after it; 0 where there is none."""
    booked = LedgerEntry.objects.filter(organisation=organisation).order_by()
    by_month = booked.values(
        month=TruncMonth("booked_at", tzinfo=organisation.zone)
    ).annotate(first=Min("wallet_seq"))
    firsts = [
        (found.date(), first) for found, first in by_month.values_list("month", "first")
    ]

    def since(begin: date) -> int:
        return min((first for found, first in firsts if found >= begin), default=0)

    first, after = since(month), since(next_month(month))
    return (0 if first == after else first), after


def _balance_before(entries: "QuerySet[LedgerEntry]", seq: int) -> Micros:
    before = entries.filter(wallet_seq__lt=seq) if seq else entries
    newest = before.order_by("-wallet_seq").values_list("balance_after", flat=True)
    return newest.first() or 0


def _movements(
    opening: Micros, sums: dict[str, Micros], currency: str
) -> list[Movement]:
    """Those that moved something, and what is always of interest."""
    told, balance = [], opening
    for name, (label, kinds) in MOVEMENTS.items():
        amount = sum(sums.get(kind, 0) for kind in kinds)
        if amount or name in {"added", "used", "expired"}:
            before, balance = balance, balance + amount
            difference = shown(balance, currency) - shown(before, currency)
            told.append(Movement(name, label, amount, difference))
    return told


def _unposted(organisation: Organisation, end: datetime, after: int) -> list[Unposted]:
    """Lots that had expired by then, with what they still held in the books."""
    lots = Lot.objects.filter(
        Q(exhausted_at=None) | Q(exhausted_at__gte=end),
        organisation=organisation,
        expires_at__lte=end,
    ).order_by("expires_at", "pk")
    by_lot = {lot.pk: lot for lot in lots}
    if not by_lot:
        return []
    entries = LedgerEntry.objects.filter(organisation=organisation, lot__in=by_lot)
    if after:
        entries = entries.filter(wallet_seq__lt=after)
    held = entries.order_by().values("lot").annotate(sum=Sum("amount"))
    sums = dict(held.values_list("lot", "sum"))
    return [
        Unposted(lot, sums[pk]) for pk, lot in by_lot.items() if sums.get(pk, 0) > 0
    ]


_Told = tuple[date, EntryKind, Micros, str]


def _calls_by_day(statement: Statement) -> Iterator[_Told]:
    days = statement.entries.filter(kind__in=CALLS).order_by()
    by_day = days.values(
        day=TruncDate("booked_at", tzinfo=statement.organisation.zone)
    ).annotate(sum=Sum("amount"))
    for day, amount in by_day.values_list("day", "sum"):
        if amount:
            yield day, EntryKind.SPEND, amount, ""


def _others(statement: Statement) -> Iterable[_Told]:
    others = statement.entries.exclude(kind__in=(*CALLS, EntryKind.PAY_DEBT))
    for kind, booked_at, amount, note in others.values_list(
        "kind", "booked_at", "amount", "note"
    ):
        day = statement.organisation.local_day(booked_at)
        yield day, EntryKind(kind), amount, note

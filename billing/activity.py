"""What happened to the balance, day by day: the calls of a day as one line.

A plain read whose cost does not grow with the number of calls: those are counted by the
day they were made in (`UsageDay`), and only what is not a call is read from the ledger.
Balances are reckoned backwards from what the wallet holds now, so they always add up.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time

from accounts.models import Organisation
from calling.models import UsageDay
from credits.balance_chart import DAYS_BACK, DayPast
from credits.display import shown
from credits.forecast import A_DAY
from credits.models import EntryKind, LedgerEntry, Lot, LotKind
from credits.money import Micros

CALLS = (EntryKind.SPEND, EntryKind.DEBT, EntryKind.PAY_DEBT)
BY_CARD = (LotKind.PURCHASE, LotKind.RECHARGE)
NEVER = datetime.min.replace(tzinfo=UTC)
NOT_CALLS = [kind for kind in EntryKind if kind not in CALLS]


@dataclass(frozen=True)
class DayOfCalls:
    """All calls of one day, what they cost beyond the plan, and of that after use."""

    calls: int = 0
    seconds: int = 0
    amount: Micros = 0
    postpaid: Micros = 0

    @property
    def minutes(self) -> int:
        return self.seconds // 60

    @property
    def drawn(self) -> Micros:
        """What moved the balance; what is billed after use does not."""
        return self.amount - self.postpaid


@dataclass(frozen=True)
class Movement:
    """A change of the balance that is not a call."""

    kind: EntryKind
    at: datetime
    amount: Micros
    note: str = ""
    sale_id: int | None = None
    lot_kind: str = ""


@dataclass(frozen=True)
class ActivityRow:
    """One line of recent activity, newest first."""

    day: date
    kind: EntryKind
    amount: Micros
    balance_after: Micros
    at: datetime | None = None
    calls: DayOfCalls | None = None
    note: str = ""
    top_up_id: int | None = None
    staff_payment_id: int | None = None
    is_today: bool = False


def read_days_of_calls(
    organisation: Organisation, *, today: date
) -> dict[date, DayOfCalls]:
    """The last 45 days, which always hold the month so far; one statement."""
    rows = UsageDay.objects.filter(
        organisation=organisation,
        currency=organisation.currency,
        day__gte=today - DAYS_BACK * A_DAY,
        day__lte=today,
    ).order_by()
    days: dict[date, DayOfCalls] = {}
    for row in rows:
        day = days.get(row.day, DayOfCalls())
        days[row.day] = DayOfCalls(
            day.calls + row.calls,
            day.seconds + row.seconds,
            day.amount + row.amount - row.pool_amount,
            day.postpaid + row.postpaid_amount,
        )
    return days


def read_movements(
    organisation: Organisation, *, today: date, lapsed: Iterable[Lot] = ()
) -> list[Movement]:
    """All that is not a call in the same days, oldest first; one statement.

    `lapsed` are lots whose time is over though the ledger does not say so yet.
    """
    since = datetime.combine(today - DAYS_BACK * A_DAY, time(), organisation.zone)
    mine = LedgerEntry.objects.filter(
        organisation=organisation, kind__in=NOT_CALLS, event_at__gte=since
    ).order_by()
    # Two halves, because each has its own index of (organisation, kind).
    columns = ("kind", "event_at", "amount", "note", "lot__sale_id", "lot__kind")
    with_lot = mine.filter(lot__isnull=False).values_list(*columns)
    without_lot = mine.filter(lot__isnull=True).values_list(*columns)
    found = [
        Movement(EntryKind(kind), at, amount, note, sale_id, lot_kind or "")
        for kind, at, amount, note, sale_id, lot_kind in with_lot.union(
            without_lot, all=True
        )
    ]
    found += [
        Movement(EntryKind.EXPIRE, lot.expires_at, -lot.remaining)
        for lot in lapsed
        if lot.expires_at >= since
    ]
    return sorted(found, key=lambda movement: movement.at)


def past_balances(
    organisation: Organisation,
    balance: Micros,
    calls: Mapping[date, DayOfCalls],
    movements: Iterable[Movement],
    *,
    today: date,
) -> list[DayPast]:
    """The balance at the end of each of the last 45 days, and today's as it stands."""
    gained: dict[date, Micros] = {}
    moved: dict[date, Micros] = {}
    for movement in movements:
        day = organisation.local_day(movement.at)
        moved[day] = moved.get(day, 0) + movement.amount
        if movement.amount > 0:
            gained[day] = gained.get(day, 0) + movement.amount
    past = []
    for n in range(DAYS_BACK + 1):
        day = today - n * A_DAY
        past.append(DayPast(day, balance, gained.get(day, 0)))
        balance -= moved.get(day, 0) - calls.get(day, DayOfCalls()).drawn
    return past[::-1]


def activity_rows(
    organisation: Organisation,
    balance: Micros,
    calls: Mapping[date, DayOfCalls],
    movements: Iterable[Movement],
    *,
    today: date,
    limit: int,
) -> list[ActivityRow]:
    """Newest first; within a day its calls stand above what else happened.

    A day whose calls cost nothing moved nothing, and has no line.

    Amounts are the differences of the balances as they are shown, so columns add up.
    """
    rows = [
        _row_of_calls(day, of_day, today)
        for day, of_day in calls.items()
        if of_day.drawn
    ]
    rows += [
        _row_of_movement(organisation.local_day(movement.at), movement)
        for movement in movements
    ]
    rows.sort(key=_age, reverse=True)
    seen, currency = [], organisation.currency
    for row in rows[:limit]:
        before = balance - row.amount
        amount = shown(balance, currency) - shown(before, currency)
        seen.append(replace(row, amount=amount, balance_after=balance))
        balance = before
    return seen


def _row_of_calls(day: date, calls: DayOfCalls, today: date) -> ActivityRow:
    is_today = day == today
    return ActivityRow(
        day, EntryKind.SPEND, -calls.drawn, 0, calls=calls, is_today=is_today
    )


def _row_of_movement(day: date, movement: Movement) -> ActivityRow:
    return ActivityRow(
        day,
        movement.kind,
        movement.amount,
        0,
        at=movement.at,
        note=movement.note,
        # Auto-recharges are top-ups too; a bank transfer is another kind of sale.
        top_up_id=movement.sale_id if movement.lot_kind in BY_CARD else None,
        staff_payment_id=(
            movement.sale_id if movement.lot_kind == LotKind.STAFF_PAYMENT else None
        ),
    )


def _age(row: ActivityRow) -> tuple[date, bool, datetime]:
    return row.day, row.at is None, row.at or NEVER

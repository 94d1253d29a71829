"""How long the balance lasts at the current pace, and what would expire unused.

The pace is the mean of the last 28 complete days, weekday by weekday; fewer than seven
days with usage give no forecast. Spending and expiry are played forward in the ledger's
own order (rules 3.5 and 3.8); what auto-recharge would add on the way is added where
the reader says how it is set. Pure: the reader supplies days, lots and today.
"""

from bisect import insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from credits.money import Micros

LOOK_BACK_DAYS = 28
LEAST_DAYS_WITH_USAGE = 7
LOOK_AHEAD_DAYS = 365
BAND_DAYS = 60  # as far as it is drawn
QUIET, BUSY = 20, 80  # percentiles of daily spend that bound the band
A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Funds:
    """What one lot has left, and the last day it can be used."""

    remaining: Micros
    last_day: date


@dataclass(frozen=True)
class Refills:
    """Auto-recharge as it is played (rules 5.2 and 5.4); amounts in micros.

    `spent` is what the month of today has had of its limit, `incoming` what is on its
    way.
    """

    trigger: Micros
    amount: Micros
    monthly_limit: Micros
    most_a_day: int
    spent: Micros = 0
    incoming: Micros = 0
    catches_up: bool = False


@dataclass(frozen=True)
class FundsOutcome:
    """What becomes of a lot: used up by a day, or partly lost when it expires."""

    used_by: date | None
    unused: Micros


@dataclass(frozen=True)
class DayAhead:
    """The balance at the end of a day to come: busy days, expected, quiet days."""

    day: date
    low: Micros
    middle: Micros
    high: Micros


@dataclass(frozen=True)
class Forecast:
    """`runs_out_on` is None when the balance lasts longer than a year.

    It and the days count what auto-recharge adds where `counts_recharge`; what becomes
    of the lots there are, and `runs_out_alone`, never do (rule 3.8).
    """

    average_per_day: Micros
    runs_out_on: date | None
    days: tuple[DayAhead, ...]  # sixty of them
    outcomes: tuple[FundsOutcome, ...]
    runs_out_alone: date | None = None
    counts_recharge: bool = False

    def days_left(self, today: date) -> int | None:
        return (self.runs_out_on - today).days if self.runs_out_on else None


@dataclass(frozen=True)
class Pace:
    """Past spending: one amount per complete day, newest last, none left out."""

    days: tuple[tuple[date, Micros], ...]

    @property
    def is_known(self) -> bool:
        return sum(1 for _, spent in self.days if spent) >= LEAST_DAYS_WITH_USAGE

    @property
    def average(self) -> Micros:
        return sum(spent for _, spent in self.days) // len(self.days)

    def by_weekday(self) -> list[Micros]:
        """The mean of each weekday; of all days for one that has not occurred yet."""
        means = []
        for weekday in range(7):
            same = [spent for day, spent in self.days if day.weekday() == weekday]
            means.append(sum(same) // len(same) if same else self.average)
        return means

    def percentile(self, percent: int) -> Micros:
        ordered = sorted(spent for _, spent in self.days)
        return ordered[(len(ordered) - 1) * percent // 100]


def pace_of(spent: Mapping[date, Micros], *, since: date, today: date) -> Pace:
    """The last complete days, at most 28 and none before the organisation began."""
    first = max(since, today - LOOK_BACK_DAYS * A_DAY)
    days = [first + n * A_DAY for n in range((today - first).days)]
    return Pace(tuple((day, max(0, spent.get(day, 0))) for day in days))


def forecast(
    pace: Pace,
    lots: Sequence[Funds],
    *,
    today: date,
    debt: Micros = 0,
    refills: Refills | None = None,
) -> Forecast | None:
    """Plays a year forward from tomorrow; None while the pace is not known.

    `lots` stand in burn order. What is left of today is not guessed at. `refills` is
    how auto-recharge is set where it would fire.
    """
    if not pace.is_known:
        return None
    usual, quiet, busy = (
        pace.by_weekday(),
        pace.percentile(QUIET),
        pace.percentile(BUSY),
    )
    alone = _play(lots, usual, LOOK_AHEAD_DAYS, today=today)
    expected = alone
    if refills:
        expected = _play(lots, usual, LOOK_AHEAD_DAYS, today=today, refills=refills)
    band = [
        _play(lots, [spent] * 7, BAND_DAYS, today=today, refills=refills).balances
        for spent in (busy, quiet)
    ]
    days = tuple(
        DayAhead(today + n * A_DAY, min(three), three[1], max(three))
        for n, three in enumerate(
            zip(band[0], expected.balances[:BAND_DAYS], band[1], strict=True), 1
        )
    )
    empty_already = today if debt or not any(lot.remaining for lot in lots) else None
    return Forecast(
        pace.average,
        empty_already or expected.runs_out_on,
        days,
        alone.outcomes,
        runs_out_alone=empty_already or alone.runs_out_on,
        counts_recharge=refills is not None,
    )


def spending_beyond(
    pace: Pace, lots: Sequence[Funds], *, today: date, until: date
) -> Micros | None:
    """What the days after today and before `until` will cost beyond these lots.

    None while the pace is not known.
    """
    if not pace.is_known:
        return None
    days = max(0, (until - today).days - 1)
    return sum(_play(lots, pace.by_weekday(), days, today=today).beyond)


@dataclass(frozen=True)
class _Played:
    balances: list[Micros]
    beyond: list[Micros]
    runs_out_on: date | None
    outcomes: tuple[FundsOutcome, ...]


@dataclass
class _Open:
    """A lot while it is played."""

    left: Micros
    last_day: date
    used_by: date | None = None
    unused: Micros = 0


@dataclass
class _Till:
    """The lots in burn order, and what auto-recharge has charged on the way."""

    lots: list[_Open]
    refills: Refills | None
    month: tuple[int, int]
    spent: Micros = 0
    today: int = field(default=0, init=False)

    @property
    def balance(self) -> Micros:
        return sum(lot.left for lot in self.lots)

    def open_day(self, day: date) -> None:
        """What has expired is gone; a new day and month have limits of their own."""
        for lot in self.lots:
            if lot.last_day < day:
                lot.unused, lot.left = lot.unused + lot.left, 0
        self.today = 0
        if self.month != (day.year, day.month):
            self.month, self.spent = (day.year, day.month), 0

    def spend(self, wanted: Micros, day: date) -> Micros:
        """What of it the lots did not cover."""
        for lot in self.lots:
            taken = min(lot.left, wanted)
            lot.left -= taken
            wanted -= taken
            if taken and not lot.left:
                lot.used_by = day
        return wanted

    def refill(self, day: date) -> bool:
        """One recharge, if the balance is below the trigger and no limit forbids it."""
        how, balance = self.refills, self.balance
        if how is None or balance >= how.trigger or self.today >= how.most_a_day:
            return False
        room = (how.monthly_limit - self.spent) // how.amount
        if room < 1:
            return False
        short = -(-(how.trigger - balance) // how.amount)
        added = how.amount * (max(1, min(short, room)) if how.catches_up else 1)
        self.add(added, day)
        self.spent += added
        self.today += 1
        return True

    def add(self, amount: Micros, day: date) -> None:
        """Lasts a year: longer than is looked ahead."""
        new = _Open(amount, day + LOOK_AHEAD_DAYS * A_DAY)
        insort(self.lots, new, key=lambda lot: lot.last_day)


def _play(
    lots: Sequence[Funds],
    by_weekday: Sequence[Micros],
    days: int,
    *,
    today: date,
    refills: Refills | None = None,
) -> _Played:
    mine = [_Open(lot.remaining, lot.last_day) for lot in lots]
    spent = refills.spent if refills else 0
    till = _Till(list(mine), refills, (today.year, today.month), spent)
    if refills and refills.incoming:
        till.add(refills.incoming, today)
    balances: list[Micros] = []
    beyond: list[Micros] = []
    runs_out_on: date | None = None
    for n in range(1, days + 1):
        day = today + n * A_DAY
        till.open_day(day)
        wanted = till.spend(by_weekday[day.weekday()], day)
        while till.refill(day):
            wanted = till.spend(wanted, day)
        balances.append(till.balance)
        beyond.append(wanted)
        if runs_out_on is None and not balances[-1]:
            runs_out_on = day
    outcomes = tuple(FundsOutcome(lot.used_by, lot.unused) for lot in mine)
    return _Played(balances, beyond, runs_out_on, outcomes)

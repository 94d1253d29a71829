"""How long the balance lasts at the current pace, and what would expire unused.

The pace is the mean of the last 28 complete days, weekday by weekday; fewer than seven
days with usage give no forecast. Spending and expiry are played forward in the ledger's
own order (rules 3.5 and 3.8). Pure: the reader supplies days, lots and today.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    """`runs_out_on` is None when the balance lasts longer than a year."""

    average_per_day: Micros
    runs_out_on: date | None
    days: tuple[DayAhead, ...]  # sixty of them
    outcomes: tuple[FundsOutcome, ...]

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
    pace: Pace, lots: Sequence[Funds], *, today: date, debt: Micros = 0
) -> Forecast | None:
    """Plays a year forward from tomorrow; None while the pace is not known.

    `lots` stand in burn order. What is left of today is not guessed at.
    """
    if not pace.is_known:
        return None
    expected = _play(lots, pace.by_weekday(), LOOK_AHEAD_DAYS, today=today)
    quiet = _play(lots, [pace.percentile(QUIET)] * 7, BAND_DAYS, today=today)
    busy = _play(lots, [pace.percentile(BUSY)] * 7, BAND_DAYS, today=today)
    middle = expected.balances[:BAND_DAYS]
    days = tuple(
        DayAhead(today + n * A_DAY, min(three), three[1], max(three))
        for n, three in enumerate(
            zip(busy.balances, middle, quiet.balances, strict=True), 1
        )
    )
    empty_already = today if debt or not any(lot.remaining for lot in lots) else None
    runs_out_on = empty_already or expected.runs_out_on
    return Forecast(pace.average, runs_out_on, days, expected.outcomes)


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


def _play(
    lots: Sequence[Funds], by_weekday: Sequence[Micros], days: int, *, today: date
) -> _Played:
    left = [lot.remaining for lot in lots]
    used_by: list[date | None] = [None] * len(lots)
    unused = [0] * len(lots)
    balances: list[Micros] = []
    beyond: list[Micros] = []
    runs_out_on: date | None = None
    for n in range(1, days + 1):
        day = today + n * A_DAY
        wanted = by_weekday[day.weekday()]
        for i, lot in enumerate(lots):
            if lot.last_day < day:
                unused[i] += left[i]
                left[i] = 0
            taken = min(left[i], wanted)
            left[i] -= taken
            wanted -= taken
            if taken and not left[i]:
                used_by[i] = day
        balances.append(sum(left))
        beyond.append(wanted)
        if runs_out_on is None and not balances[-1]:
            runs_out_on = day
    outcomes = tuple(map(FundsOutcome, used_by, unused))
    return _Played(balances, beyond, runs_out_on, outcomes)

"""Where the lines of the balance chart run: 45 days back, 60 ahead.

A pure function of the series; the template only prints what stands here. Lines live in
a stretched box of 1000 by 240; words and dots stand outside it at percentage positions,
so that type never stretches. Lengths are whole tenths, never floats.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from credits.display import date_text, units_text, whole_text
from credits.forecast import DayAhead
from credits.money import MICROS_PER_UNIT, Micros

DAYS_BACK, DAYS_AHEAD = 45, 60
SPAN = DAYS_BACK + DAYS_AHEAD
HEIGHT = 240  # of the stretched box
BOX_TOP, BOX_HEIGHT = 6, 232  # where the page puts that box, in pixels
AXIS_Y = 258  # pixels; the line the dates stand on
CLOSE, CROWDED = 700, 1_200  # hundredths of a percent between two labels
MOST_GAINS_NAMED = 3
EVERY = 5  # days in the table


@dataclass(frozen=True)
class DayPast:
    """The balance at the end of a day, and what was added to it on that day."""

    day: date
    balance: Micros
    gained: Micros = 0


@dataclass(frozen=True)
class GridLine:
    y: str
    label_y: str
    text: str


@dataclass(frozen=True)
class Label:
    x: str
    y: str
    text: str
    anchor: str = "middle"
    classes: str = ""


@dataclass(frozen=True)
class Level:
    """The line below which auto-recharge adds funds."""

    y: str
    label_y: str
    amount: str


@dataclass(frozen=True)
class BalanceChart:
    """Paths and positions; `zero` is set where the balance went below nothing.

    Without `has_shape` there was never anything: a flat line says less than none.
    """

    area: str
    line: str
    forecast: str
    band: str
    grid: tuple[GridLine, ...]
    level: Level | None
    zero: str
    today_x: str
    dot_x: str
    dot_y: str
    labels: tuple[Label, ...]
    table: tuple[DayPast, ...]
    table_ahead: tuple[DayAhead, ...]
    has_shape: bool


@dataclass(frozen=True)
class _Scale:
    first: date
    bottom: Micros
    top: Micros

    def across(self, day: date) -> int:
        """Tenths of a unit in a box of 1000."""
        return (day - self.first).days * 10_000 // SPAN

    def down(self, amount: Micros) -> int:
        """Tenths of a unit in a box of 240."""
        return HEIGHT * 10 * (self.top - amount) // (self.top - self.bottom)

    def point(self, day: date, amount: Micros) -> str:
        return f"{_tenths(self.across(day))} {_tenths(self.down(amount))}"

    def percent(self, day: date) -> int:
        """Hundredths of a percent."""
        return (day - self.first).days * 10_000 // SPAN

    def pixels(self, amount: Micros) -> int:
        """Tenths of a pixel below the top of the drawing."""
        return BOX_TOP * 10 + self.down(amount) * BOX_HEIGHT // HEIGHT


def balance_chart(
    past: Sequence[DayPast],
    ahead: Sequence[DayAhead],
    *,
    currency: str,
    today_word: str,
    level: Micros | None = None,
) -> BalanceChart:
    """`past` ends today with the balance as it stands; `ahead` begins tomorrow.

    `level` is the trigger of auto-recharge while it is on.
    """
    ahead = ahead[:DAYS_AHEAD]
    today = past[-1]
    scale = _scale_of(past, ahead, today.day, level or 0)
    line = _past_line(past, scale)
    floor = _tenths(scale.down(0))
    left, right = (_tenths(scale.across(day.day)) for day in (past[0], today))
    return BalanceChart(
        area=f"{line} L{right} {floor} L{left} {floor}Z",
        line=line,
        forecast=_joined([(today.day, today.balance), *_middles(ahead)], scale),
        band=_band(today, ahead, scale),
        grid=_grid(scale),
        level=_level(level, scale, currency) if level else None,
        zero=floor if scale.bottom < 0 else "",
        today_x=right,
        dot_x=_percent(scale.percent(today.day)),
        dot_y=_tenths(scale.pixels(today.balance)),
        labels=(
            *_dates(scale, today.day, today_word),
            *_gains(past, scale, currency),
        ),
        table=tuple(past[-1::-EVERY][::-1]),
        table_ahead=tuple(ahead[EVERY - 1 :: EVERY]),
        has_shape=any(day.balance or day.gained for day in past),
    )


def _scale_of(
    past: Sequence[DayPast], ahead: Sequence[DayAhead], today: date, level: Micros
) -> _Scale:
    amounts = [level, *(day.balance for day in past)]
    amounts += [day.balance - day.gained for day in past]
    amounts += [day.high for day in ahead]
    highest = max(*amounts, MICROS_PER_UNIT)
    lowest = min(*amounts, 0)
    # Room above for the names of gains, and below zero for what is owed.
    return _Scale(
        today - timedelta(days=DAYS_BACK), lowest * 12 // 10, highest * 117 // 100
    )


def _past_line(past: Sequence[DayPast], scale: _Scale) -> str:
    """A day that gained is drawn as a step: down to what was left, then up."""
    points: list[tuple[date, Micros]] = []
    for day in past:
        if day.gained:
            points.append((day.day, day.balance - day.gained))
        points.append((day.day, day.balance))
    return _joined(points, scale)


def _middles(ahead: Sequence[DayAhead]) -> list[tuple[date, Micros]]:
    return [(day.day, day.middle) for day in ahead]


def _band(today: DayPast, ahead: Sequence[DayAhead], scale: _Scale) -> str:
    if not ahead:
        return ""
    there = [(day.day, day.high) for day in ahead]
    back = [(day.day, day.low) for day in reversed(ahead)]
    return _joined([(today.day, today.balance), *there, *back], scale) + "Z"


def _joined(points: Sequence[tuple[date, Micros]], scale: _Scale) -> str:
    if len(points) < 2:
        return ""
    return "M" + " L".join(scale.point(day, amount) for day, amount in points)


def _grid(scale: _Scale) -> tuple[GridLine, ...]:
    """Two to four lines at round amounts, the axis at zero not among them."""
    step = _round_step(scale.top)
    amounts = range(step, scale.top - step // 5, step)
    return tuple(
        GridLine(
            _tenths(scale.down(amount)),
            _tenths(scale.pixels(amount) - 51),
            units_text(amount),
        )
        for amount in amounts
    )


def _level(amount: Micros, scale: _Scale, currency: str) -> Level:
    """Its words stand below the line, clear of those of the grid above."""
    below = _tenths(scale.pixels(amount) + 160)
    return Level(_tenths(scale.down(amount)), below, whole_text(amount, currency))


def _round_step(top: Micros) -> Micros:
    """1, 2 or 5 times a power of ten units, so that two to four lines fit."""
    power = MICROS_PER_UNIT
    while True:
        for multiple in (1, 2, 5):
            if top <= power * multiple * 5:
                return power * multiple
        power *= 10


def _dates(scale: _Scale, today: date, today_word: str) -> list[Label]:
    """Today, the first of each month, and a fifteenth where there is room."""
    labels = {scale.percent(today): Label("", "", today_word, classes="strong")}
    days = [scale.first + timedelta(days=n) for n in range(3, SPAN - 2)]
    wanted = [day for day in days if day.day == 1]
    wanted += [day for day in days if day.day == 15]
    for day in wanted:
        place = scale.percent(day)
        nearest = min(abs(place - taken) for taken in labels)
        room = CLOSE if day.day == 1 else CROWDED
        if nearest >= room and len(labels) < 5:
            crowded = "dense" if nearest < CROWDED else ""
            labels[place] = Label("", "", date_text(day, "tick"), classes=crowded)
    return [
        Label(_percent(place), str(AXIS_Y), label.text, classes=label.classes)
        for place, label in sorted(labels.items())
    ]


def _gains(past: Sequence[DayPast], scale: _Scale, currency: str) -> list[Label]:
    """The largest steps up are named; the sign says what the step was."""
    largest = sorted((day for day in past if day.gained > 0), key=_gained)
    labels: list[Label] = []
    for day in largest[-MOST_GAINS_NAMED:]:
        place = scale.percent(day.day)
        near_left = place < 1_500
        labels.append(
            Label(
                _percent(place + (50 if near_left else -50)),
                _tenths(scale.pixels(day.balance) + 180),
                "+" + whole_text(day.gained, currency),
                anchor="start" if near_left else "end",
                classes="dense strong",
            )
        )
    return labels


def _gained(day: DayPast) -> Micros:
    return day.gained


def _tenths(length: int) -> str:
    return f"{length // 10}.{length % 10}"


def _percent(hundredths: int) -> str:
    return f"{hundredths // 100}.{hundredths % 100:02}%"

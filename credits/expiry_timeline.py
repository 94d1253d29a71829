"""Where the pins of the expiry timeline stand: twelve months and a little more.

A pure function of what expires when; a pin's area stands for its amount. Lengths are
whole hundredths of a percent and tenths of a pixel, never floats.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from math import isqrt

from credits.display import date_text, whole_text
from credits.forecast import Funds
from credits.money import Micros

LEAST_SPAN_DAYS = 380
MARGIN = 200  # hundredths of a percent at either end
SOON_DAYS = 30
LARGEST, SMALLEST = 110, 50  # radii in tenths of a pixel
ROOM_ABOVE, ROOM_BEFORE, ROOM_BESIDE, ROOM_ON_PHONES = 1_300, 300, 1_400, 2_400


@dataclass(frozen=True)
class Tick:
    x: str
    text: str
    classes: str


@dataclass(frozen=True)
class Pin:
    """`text_y` is 0 where another label stands too near; the table has the figure."""

    x: str
    radius: str
    text: str
    text_y: int
    dx: int
    anchor: str
    is_soon: bool
    classes: str


@dataclass(frozen=True)
class ExpiryTimeline:
    ticks: tuple[Tick, ...]
    pins: tuple[Pin, ...]


def expiry_timeline(
    lots: Iterable[Funds], *, today: date, currency: str
) -> ExpiryTimeline:
    """Lots that end on the same day share a pin."""
    by_day: dict[date, Micros] = defaultdict(int)
    for lot in lots:
        if lot.remaining and lot.last_day >= today:
            by_day[lot.last_day] += lot.remaining
    last = max(by_day, default=today)
    span = max(LEAST_SPAN_DAYS, (last - today).days + 15)
    return ExpiryTimeline(_ticks(today, span), _pins(by_day, today, span, currency))


def _ticks(today: date, span: int) -> tuple[Tick, ...]:
    """The first of each month; every other one gives way on a phone."""
    days = [today + timedelta(days=n) for n in range(1, span)]
    firsts = [day for day in days if day.day == 1]
    every = -(-len(firsts) // 13)
    return tuple(
        Tick(
            _percent(_across(day, today, span)),
            date_text(day, "month_tick"),
            "dense" if n % 2 else "",
        )
        for n, day in enumerate(firsts[::every])
    )


def _pins(
    by_day: dict[date, Micros], today: date, span: int, currency: str
) -> tuple[Pin, ...]:
    largest = max(by_day.values(), default=1)
    ordered = sorted(by_day.items())
    places = [_across(day, today, span) for day, _ in ordered]
    pins: list[Pin] = []
    above = -ROOM_ON_PHONES
    for n, (day, amount) in enumerate(ordered):
        place, following = places[n], [*places, 10_000][n + 1]
        text_y, dx, anchor = 0, 0, "middle"
        crowded = place - above < ROOM_ON_PHONES
        if place - above >= ROOM_ABOVE:
            text_y, above = 18, place
            anchor = "start" if place < 500 else "end" if place > 9_500 else "middle"
        elif place - above >= ROOM_BEFORE and following - place >= ROOM_BESIDE:
            text_y, dx, anchor = 42, 14, "start"
        pins.append(
            Pin(
                _percent(place),
                _tenths(max(SMALLEST, isqrt(LARGEST**2 * amount // largest))),
                whole_text(amount, currency),
                text_y,
                dx,
                anchor,
                (day - today).days <= SOON_DAYS,
                "dense strong" if crowded else "strong",
            )
        )
    return tuple(pins)


def _across(day: date, today: date, span: int) -> int:
    return MARGIN + (day - today).days * (10_000 - 2 * MARGIN) // span


def _percent(hundredths: int) -> str:
    return f"{hundredths // 100}.{hundredths % 100:02}%"


def _tenths(length: int) -> str:
    return f"{length // 10}.{length % 10}"

"""How often and how much is recharged at most (rule 5.4).

Pure: the claim hands in what was claimed before, under the wallet's lock, what is still
pending included. A claim that failed keeps its place in the gap, the hour and the day;
only the month forgets what was not charged in the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from credits.money import Micros

GAP = timedelta(seconds=60)
AN_HOUR, A_DAY = timedelta(hours=1), timedelta(days=1)
MOST_AN_HOUR, MOST_A_DAY = 3, 6
# As many in so short a time are worth a look, whatever the limits allow.
ALARM_AT, ALARM_WITHIN = 3, timedelta(minutes=10)
MONTH = "month_limit"
ANNOUNCED = {MONTH: "month", "day_limit": "day", "hour_limit": "hour"}


class Past(NamedTuple):
    """A recharge that was claimed before; `charged` is nothing where it failed."""

    started_at: datetime
    charged: Micros


@dataclass(frozen=True)
class Cap:
    """A limit that is in the way, and when it no longer is."""

    code: str
    until: datetime


def month_start(at: datetime, zone: ZoneInfo) -> datetime:
    """The first moment of the calendar month where the organisation is."""
    local = at.astimezone(zone)
    return local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def next_month(at: datetime, zone: ZoneInfo) -> datetime:
    later = month_start(at, zone) + timedelta(days=32)
    # By the wall clock: a change of the offset in between moves no month.
    return later.replace(tzinfo=zone, day=1, hour=0)


def spent_in_month(past: Sequence[Past], *, at: datetime, zone: ZoneInfo) -> Micros:
    if not past:
        return 0
    since = month_start(at, zone)
    return sum(one.charged for one in past if one.started_at >= since)


def cap_in_the_way(past: Sequence[Past], *, at: datetime) -> Cap | None:
    """What forbids another claim now, whatever its amount."""
    if not past:
        return None
    moments = sorted((one.started_at for one in past), reverse=True)
    if moments[0] > at - GAP:
        return Cap("too_soon", moments[0] + GAP)
    for code, within, most in (
        ("hour_limit", AN_HOUR, MOST_AN_HOUR),
        ("day_limit", A_DAY, MOST_A_DAY),
    ):
        counted = [moment for moment in moments if moment > at - within]
        if len(counted) >= most:
            return Cap(code, counted[most - 1] + within)
    return None


def month_in_the_way(
    amount: Micros,
    limit: Micros,
    past: Sequence[Past],
    *,
    at: datetime,
    zone: ZoneInfo,
) -> Cap | None:
    """Whether this amount no longer fits into the month."""
    if spent_in_month(past, at=at, zone=zone) + amount <= limit:
        return None
    return Cap(MONTH, next_month(at, zone))


def times_to_catch_up(short: Micros, amount: Micros, room: Micros) -> int:
    """The smallest whole multiple that clears a shortfall, as far as the room goes.

    Never less than one: whether one fits is judged by the limits themselves.
    """
    wanted = -(-short // amount)
    return max(1, min(wanted, room // amount))


def is_alarming(past: Sequence[Past], *, at: datetime) -> bool:
    """Whether a claim now would be the third within ten minutes (museum B23)."""
    recent = [one for one in past if one.started_at > at - ALARM_WITHIN]
    return len(recent) + 1 >= ALARM_AT

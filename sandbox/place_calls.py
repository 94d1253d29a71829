"""Invents the calls of a day: the same ones whenever the same day is asked for.

Pure. What comes out is what a switch would write: documents of the generic format.
"""

import random
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.cast import Company, Extension, Habit

WEEKEND_SHARE = 0.18
UNANSWERED_SHARE = 0.06
OPENS, CLOSES = 9, 18
LONGEST_SECONDS = 5400

Document = dict[str, Any]


def calls_of_day(company: Company, day: date) -> list[Document]:
    """Every call of a local day, in the order they ended."""
    dice = random.Random(f"{company.slug} {day}")
    usual = company.calls_a_day * (WEEKEND_SHARE if day.weekday() >= 5 else 1)
    count = round(usual * dice.uniform(0.85, 1.15))
    starts = sorted(_moment(dice, day, company.time_zone) for _ in range(count))
    name = f"{company.slug}-{day}"
    calls = [
        place_call(company, dice, at=start, record_id=f"{name}-{number}")
        for number, start in enumerate(starts)
    ]
    return sorted(calls, key=lambda call: str(call["ended_at"]))


def place_call(
    company: Company, dice: random.Random, *, at: datetime, record_id: str
) -> Document:
    """One call by chance, of the kinds that this organisation makes."""
    habits, shares = company.habits, [habit.share for habit in company.habits]
    habit = dice.choices(habits, shares)[0]
    rings = timedelta(seconds=dice.randint(2, 14))
    is_answered = dice.random() > UNANSWERED_SHARE
    seconds = round(dice.lognormvariate(0, 0.7) * habit.typical_seconds)
    lasts = timedelta(seconds=min(max(seconds, 4), LONGEST_SECONDS))
    answered_at = at + rings
    ended_at = answered_at + lasts if is_answered else answered_at
    return {
        "source_record_id": record_id,
        "account_code": company.slug.upper(),
        **_parties(company, habit, dice),
        "invited_at": _text(at),
        "answered_at": _text(answered_at) if is_answered else None,
        "ended_at": _text(ended_at),
    }


def ended_at(call: Document) -> datetime:
    return datetime.fromisoformat(str(call["ended_at"]))


def _parties(company: Company, habit: Habit, dice: random.Random) -> Document:
    shares = [extension.share for extension in company.extensions]
    own = dice.choices(company.extensions, shares)[0]
    if habit.direction == "internal":
        others = [other for other in company.extensions if other is not own]
        return _outbound(own, dice.choice(others).number, {"kind": "on_net"})
    far = _number(dice.choice(habit.numbers), dice)
    if habit.direction == "conference":
        return _outbound(own, far, {"kind": "conference_out"})
    if habit.direction == "outbound":
        return _outbound(own, far, {})
    inbound = {"direction": "inbound", "from": far}
    if habit.direction == "toll_free":
        return {**inbound, "to": company.toll_free_number}
    return {**inbound, "to": own.number, "user": own.identity}


def _outbound(own: Extension, far: str, more: Document) -> Document:
    parties = {"direction": "outbound", "from": own.number, "to": far}
    return {**parties, "user": own.identity, **more}


def _number(pattern: str, dice: random.Random) -> str:
    return re.sub("#", lambda _: str(dice.randint(0, 9)), pattern)


def _moment(dice: random.Random, day: date, zone: str) -> datetime:
    """Within business hours, most of them; a few earlier and later."""
    hour = min(max(dice.gauss((OPENS + CLOSES) / 2, 2.3), 6.5), 22.0)
    local = datetime.combine(day, time(), ZoneInfo(zone)) + timedelta(hours=hour)
    return local.astimezone(UTC).replace(microsecond=0)


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def days_until(company: Company, at: datetime, count: int) -> Iterator[date]:
    """The last so many local days, today included, oldest first."""
    today = at.astimezone(ZoneInfo(company.time_zone)).date()
    for ago in range(count - 1, -1, -1):
        yield today - timedelta(days=ago)

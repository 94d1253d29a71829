"""On which day a call started where its organisation is (rule 12)."""

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo


class LocalDay(NamedTuple):
    """A day, and instants between which it is surely that day: [since, until)."""

    date: date
    since: datetime
    until: datetime


class LocalDays:
    """The local days of a batch: its calls stand close together, so most share one."""

    def __init__(self) -> None:
        self._last: dict[ZoneInfo, LocalDay] = {}

    def of(self, at: datetime, zone: ZoneInfo) -> LocalDay:
        known = self._last.get(zone)
        if known is None or not known.since <= at < known.until:
            known = self._last[zone] = _day_of(at, zone)
        return known


def _day_of(at: datetime, zone: ZoneInfo) -> LocalDay:
    day = at.astimezone(zone).date()
    start = datetime.combine(day, time(fold=1), zone)  # a midnight may come twice
    end = datetime.combine(day + timedelta(days=1), time(), zone)
    return LocalDay(day, start.astimezone(UTC), end.astimezone(UTC))

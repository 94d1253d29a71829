"""On which day a call started where its organisation is (rule 12)."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_NEVER = (datetime.max.replace(tzinfo=UTC),) * 2


class LocalDays:
    """The local days of a batch: its calls stand close together, so most share one."""

    def __init__(self) -> None:
        self._spans: dict[ZoneInfo, tuple[datetime, datetime]] = {}
        self._days: dict[ZoneInfo, date] = {}

    def of(self, at: datetime, zone: ZoneInfo) -> date:
        start, end = self._spans.get(zone, _NEVER)
        if start <= at < end:
            return self._days[zone]
        day = self._days[zone] = at.astimezone(zone).date()
        self._spans[zone] = _span(day, zone)
        return day


def _span(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Instants between which it is surely that day; a midnight may come twice."""
    start = datetime.combine(day, time(fold=1), zone)
    end = datetime.combine(day + timedelta(days=1), time(), zone)
    return start.astimezone(UTC), end.astimezone(UTC)

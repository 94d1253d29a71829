"""When a lot expires: calendar arithmetic in the organisation's zone (rule 3.8)."""

import calendar
from datetime import UTC, date, datetime, time, timedelta, tzinfo

PAID_MONTHS = 12
MOST_PROMOTIONAL_MONTHS = 24


def expiry_of(issued_at: datetime, zone: tzinfo, months: int = PAID_MONTHS) -> datetime:
    """The first moment at which credit issued then is not valid any more, in UTC.

    Bought on 22 November, valid through 22 November: the start of the day after the
    last day. A day the last month does not have becomes that month's last day.
    """
    return start_of_day(last_day(issued_at, zone, months) + timedelta(days=1), zone)


def last_day(issued_at: datetime, zone: tzinfo, months: int = PAID_MONTHS) -> date:
    day = issued_at.astimezone(zone).date()
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def start_of_day(day: date, zone: tzinfo) -> datetime:
    """Midnight, or the moment the clocks went forward where they skipped midnight."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)

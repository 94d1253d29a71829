"""What licences cost for the rest of a month, by the day (rule 1.6).

Pure. Informational until invoices are made: the fee is kept with the change.
"""

from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from calling.pool_size import Period, period_of
from credits.money import Micros


class RestOfMonth(NamedTuple):
    """The day of a change and those after it, of all days of the month."""

    days: int
    of: int
    period: Period


def rest_of_month(at: datetime, zone: ZoneInfo) -> RestOfMonth:
    day = at.astimezone(zone).date()
    period = period_of(day.replace(day=1), zone)
    days = (period.end_on - period.start_on).days
    return RestOfMonth((period.end_on - day).days, days, period)


def fee_for_rest(price: Micros, licences: int, rest: RestOfMonth) -> Micros:
    """Cut to a millionth; fewer licences give a negative fee of the same size."""
    fee = price * abs(licences) * rest.days // rest.of
    return fee if licences >= 0 else -fee

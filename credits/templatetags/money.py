"""Money and dates in templates; the words themselves are made in credits/display.py.

Amounts come as whole micros with their currency, or as `Money`; instants and days as
objects or as the ISO text that notices carry. A zone is an organisation, a zone or its
name.
"""

from datetime import date, datetime, tzinfo
from zoneinfo import ZoneInfo

from django import template
from django.utils.dateparse import parse_date, parse_datetime
from djmoney.money import Money

from accounts.models import Organisation
from credits import display
from credits.money import from_money

register = template.Library()


@register.filter
def money(amount: Money | int, currency: str = "") -> str:
    """`{{ micros|money:currency }}` or `{{ top_up.credit|money }}` → US$2,364.37"""
    micros, code = _micros(amount, currency)
    return display.money_text(micros, code)


@register.filter
def gain(amount: Money | int, currency: str = "") -> str:
    """The amount without its currency and with its sign: +2,000.00, −21.16"""
    micros, code = _micros(amount, currency)
    return display.plain_text(micros, code, plus=True)


@register.filter
def plain(amount: Money | int, currency: str = "") -> str:
    """The amount without its currency: 2,364.37"""
    micros, code = _micros(amount, currency)
    return display.plain_text(micros, code)


@register.filter
def exact(amount: Money | int, currency: str = "") -> str:
    """To the last millionth that is not zero: US$0.0138"""
    micros, code = _micros(amount, currency)
    return display.exact_text(micros, code)


@register.filter
def aligned(amount: Money | int, currency: str = "") -> str:
    """Exact, with the same places all down a column: US$0.013800"""
    micros, code = _micros(amount, currency)
    return display.exact_text(micros, code, display.MOST_PLACES)


@register.filter
def per_minute(amount: Money | int, currency: str = "") -> str:
    """A rate: at least four places, US$0.0240"""
    micros, code = _micros(amount, currency)
    return display.rate_text(micros, code)


@register.filter
def parts(amount: Money | int, currency: str = "") -> display.AmountParts:
    """The big figure in pieces: `{% with big=balance|parts:currency %}`"""
    micros, code = _micros(amount, currency)
    return display.amount_parts(micros, code)


@register.filter
def column(amount: int, places: int) -> str:
    """The amount alone, with as many places as its column has: 0.0138"""
    return display.column_text(amount, places)


@register.filter
def duration(seconds: int) -> str:
    """2:05, 1:02:05"""
    return display.duration_text(seconds)


@register.filter
def count(number: int) -> str:
    """4,317"""
    return display.count_text(number)


@register.filter
def local_date(
    at: datetime | date | str, zone: Organisation | tzinfo | str | None = None
) -> str:
    """14 Dec 2026 / 2026年12月14日, where the organisation is."""
    return display.date_text(_day(at, zone))


@register.filter
def long_date(
    at: datetime | date | str, zone: Organisation | tzinfo | str | None = None
) -> str:
    """14 December 2026 / 2026年12月14日, for sentences."""
    return display.date_text(_day(at, zone), "long")


@register.filter
def table_date(
    at: datetime | date | str, zone: Organisation | tzinfo | str | None = None
) -> str:
    """14 Dec 2026 / 2026/12/14, for columns."""
    return display.date_text(_day(at, zone), "table")


@register.filter
def day_date(
    at: datetime | date | str, zone: Organisation | tzinfo | str | None = None
) -> str:
    """14 Dec / 12/14, where the year is plain."""
    return display.date_text(_day(at, zone), "day")


@register.filter
def year_month(day: date | str) -> str:
    """November 2026 / 2026年11月"""
    return display.date_text(_day(day, None), "year_month")


@register.filter
def month_name(
    at: datetime | date | str, zone: Organisation | tzinfo | str | None = None
) -> str:
    """November / 11月"""
    return display.date_text(_day(at, zone), "month")


@register.filter
def last_day(expires_at: datetime | str, zone: Organisation | tzinfo | str) -> date:
    """The last day funds can be used; format it with one of the date filters."""
    return display.last_day(_instant(expires_at), _zone(zone))


@register.filter
def local_time(at: datetime | str, zone: Organisation | tzinfo | str) -> str:
    """14:07, where the organisation is."""
    return display.time_text(_instant(at), _zone(zone))


@register.filter
def zone_name(zone: Organisation | tzinfo | str, at: datetime) -> str:
    """Taipei (UTC+8)"""
    return display.zone_text(_zone(zone), at)


def _micros(amount: Money | int, currency: str) -> tuple[int, str]:
    if isinstance(amount, Money):
        return from_money(amount), str(amount.currency)
    return int(amount), currency


def _zone(zone: Organisation | tzinfo | str) -> tzinfo:
    if isinstance(zone, Organisation):
        return zone.zone
    return ZoneInfo(zone) if isinstance(zone, str) else zone


def _instant(at: datetime | str) -> datetime:
    found = parse_datetime(at) if isinstance(at, str) else at
    if found is None:
        raise ValueError(f"{at} is not an instant.")
    return found


def _day(at: datetime | date | str, zone: Organisation | tzinfo | str | None) -> date:
    if isinstance(at, date) and not isinstance(at, datetime):
        return at
    if isinstance(at, str) and (day := parse_date(at)):
        return day
    if zone is None:
        raise ValueError("An instant is a day only somewhere: name the zone.")
    return _instant(at).astimezone(_zone(zone)).date()

"""How money, rates and dates read on pages and in e-mails, in both languages.

Signs are unambiguous (US$, NT$), the minus stands before them, and what is shown is
never more than there is: an amount finer than the currency's smallest unit is cut, not
rounded. Nothing here is stored or charged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal

from babel.dates import get_timezone_location
from django.utils import formats
from django.utils.translation import get_language

from credits.money import CURRENCIES, Currency, Micros, to_decimal

MINUS = "−"
MOST_PLACES = 6
RATE_PLACES = 4  # a per-minute rate shows at least these

# Each way to write a date, per language; the second is used for every zh variant.
DATE_STYLES: dict[str, tuple[str, str]] = {
    "date": ("j M Y", "Y年n月j日"),
    "long": ("j F Y", "Y年n月j日"),
    "table": ("j M Y", "Y/m/d"),
    "day": ("j M", "m/d"),
    "tick": ("j M", "n/j"),
    "month_day": ("j F", "n月j日"),
    "month_tick": ("M", "n月"),
    "month": ("F", "n月"),
    "year_month": ("F Y", "Y年n月"),
}


@dataclass(frozen=True)
class AmountParts:
    """The pieces of a big figure: −US$ 2,364 .37"""

    sign: str
    whole: str
    decimals: str


def shown(micros: Micros, currency: str) -> Micros:
    """The amount cut down to what the currency shows; never more than there is."""
    return micros - micros % _of(currency).micros_per_minor


def shown_up(micros: Micros, currency: str) -> Micros:
    """The next amount the currency can show that is not less: what is still owed."""
    return -shown(-micros, currency)


def shown_parts(amounts: Sequence[Micros], currency: str) -> list[Micros]:
    """Parts of a whole as they are shown: they add up to the whole as it is shown.

    What cutting each takes away goes to those that lost most.
    """
    unit = _of(currency).micros_per_minor
    parts = [shown(amount, currency) for amount in amounts]
    missing = (shown(sum(amounts), currency) - sum(parts)) // unit
    lost_most = sorted(range(len(amounts)), key=lambda n: parts[n] - amounts[n])
    for n in lost_most[:missing]:
        parts[n] += unit
    return parts


def money_text(micros: Micros, currency: str, *, plus: bool = False) -> str:
    """`US$2,364.37`, `−US$3.18`; with `plus` a gain reads `+US$500.00`."""
    micros = shown(micros, currency)
    sign = _sign(micros, plus)
    return f"{sign}{_of(currency).sign}{_figure(abs(micros), _of(currency).places)}"


def plain_text(micros: Micros, currency: str, *, plus: bool = False) -> str:
    """The same without the currency, for a column whose heading names it."""
    micros = shown(micros, currency)
    return _sign(micros, plus) + _figure(abs(micros), _of(currency).places)


def whole_text(micros: Micros, currency: str) -> str:
    """`US$2,364`: only whole units, for labels in charts."""
    units = abs(micros) - abs(micros) % 1_000_000
    sign = _sign(-units if micros < 0 else units, plus=False)
    return f"{sign}{_of(currency).sign}{_figure(units, 0)}"


def units_text(micros: Micros) -> str:
    """`2,364`: only whole units and no sign, for the lines of a chart."""
    return _figure(abs(micros) - abs(micros) % 1_000_000, 0)


def exact_text(micros: Micros, currency: str, places: int = 0) -> str:
    """To the last millionth that is not zero: `US$0.0138`, `US$50.00`.

    `places` is the least to show, so that a column can align.
    """
    least = max(places, places_of([micros], currency))
    sign = _sign(micros, plus=False)
    return f"{sign}{_of(currency).sign}{_figure(abs(micros), least)}"


def rate_text(micros: Micros, currency: str) -> str:
    """A price per minute: never fewer than four places."""
    return exact_text(micros, currency, RATE_PLACES)


def column_text(micros: Micros, places: int) -> str:
    """The figure alone, in a column whose heading names the currency."""
    return _sign(micros, plus=False) + _figure(abs(micros), places)


def places_of(amounts: list[Micros], currency: str) -> int:
    """The fewest places that show each of these amounts exactly."""
    for places in range(_of(currency).places, MOST_PLACES):
        if all(amount % 10 ** (MOST_PLACES - places) == 0 for amount in amounts):
            return places
    return MOST_PLACES


def amount_parts(micros: Micros, currency: str) -> AmountParts:
    """The big figure in three pieces, so that the page may set them in three sizes."""
    micros = shown(micros, currency)
    figure = _figure(abs(micros), _of(currency).places)
    point = formats.get_format("DECIMAL_SEPARATOR")
    whole, _, decimals = figure.partition(point)
    sign = _sign(micros, plus=False) + _of(currency).sign
    return AmountParts(sign, whole, point + decimals if decimals else "")


def duration_text(seconds: int) -> str:
    """`2:05` minutes and seconds; `1:02:05` with hours."""
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minute:02}:{second:02}"
    return f"{minute}:{second:02}"


def count_text(number: int) -> str:
    """`4,317` calls, minutes, rows."""
    return str(formats.number_format(number, force_grouping=True))


def gap() -> str:
    """What stands between two sentences: a space, and in Chinese nothing."""
    return "" if _in_chinese() else " "


def date_text(day: date, style: str = "date") -> str:
    """A calendar day in the words of the reader's language."""
    english, chinese = DATE_STYLES[style]
    return formats.date_format(day, chinese if _in_chinese() else english)


def time_text(at: datetime, zone: tzinfo) -> str:
    return formats.date_format(at.astimezone(zone), "H:i")


def zone_text(zone: tzinfo, at: datetime) -> str:
    """`Taipei (UTC+8)`: the zone's city and what it stands at."""
    offset = at.astimezone(zone).utcoffset() or timedelta()
    minutes = offset // timedelta(minutes=1)
    hours, rest = divmod(abs(minutes), 60)
    sign = MINUS if minutes < 0 else "+"
    clock = f"{hours}:{rest:02}" if rest else str(hours)
    locale = "zh_Hant" if _in_chinese() else "en"
    city = get_timezone_location(zone, locale=locale, return_city=True)
    return f"{city} (UTC{sign}{clock})"


def last_day(expires_at: datetime, zone: tzinfo) -> date:
    """The last day funds can be used: an expiry is the first moment they cannot."""
    return (expires_at - timedelta(microseconds=1)).astimezone(zone).date()


def _in_chinese() -> bool:
    return (get_language() or "").startswith("zh")


def _of(code: str) -> Currency:
    return CURRENCIES[code]


def _sign(micros: Micros, plus: bool) -> str:  # noqa: FBT001  # private
    if micros < 0:
        return MINUS
    return "+" if plus and micros else ""


def _figure(micros: Micros, places: int) -> str:
    amount: Decimal = to_decimal(micros)
    return str(formats.number_format(amount, places, force_grouping=True))

"""Countries and time zones to choose from, in the reader's language.

The names are the Unicode consortium's, which the currency library brings along.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

import phonenumbers
from babel import Locale
from babel.core import get_global
from django.utils.translation import get_language

from credits.display import zone_text


def country_choices() -> list[tuple[str, str]]:
    """Every country with a telephone numbering plan, by name."""
    names = _locale().territories
    choices = [(code, names[code]) for code in phonenumbers.SUPPORTED_REGIONS]
    return sorted(choices, key=lambda choice: choice[1])


def country_name(code: str) -> str:
    return str(_locale().territories.get(code, code))


def currency_name(code: str) -> str:
    """`US Dollar (USD)`"""
    return f"{_locale().currencies.get(code, code)} ({code})"


def zone_choices(at: datetime) -> list[tuple[str, str]]:
    """`Taiwan · Taipei (UTC+8)`, by country."""
    names = _locale().territories
    choices = [
        (zone, f"{names[code]} · {zone_text(ZoneInfo(zone), at)}")
        for code, zones in get_global("territory_zones").items()
        if code in phonenumbers.SUPPORTED_REGIONS
        for zone in zones
    ]
    return sorted(choices, key=lambda choice: choice[1])


def _locale() -> Locale:
    chinese = (get_language() or "").startswith("zh")
    return Locale.parse("zh_Hant" if chinese else "en")

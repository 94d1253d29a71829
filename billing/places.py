"""Countries and time zones to choose from, in the reader's language.

The names are the Unicode consortium's, which the currency library brings along.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

import phonenumbers
from babel.core import get_global

from credits.country_names import names_locale
from credits.display import zone_text


def country_choices() -> list[tuple[str, str]]:
    """Every country with a telephone numbering plan, by name."""
    names = names_locale().territories
    choices = [(code, names[code]) for code in phonenumbers.SUPPORTED_REGIONS]
    return sorted(choices, key=lambda choice: choice[1])


def currency_name(code: str) -> str:
    """`US Dollar (USD)`"""
    return f"{names_locale().currencies.get(code, code)} ({code})"


def zone_choices(at: datetime) -> list[tuple[str, str]]:
    """`Taiwan · Taipei (UTC+8)`, by country."""
    names = names_locale().territories
    choices = [
        (zone, f"{names[code]} · {zone_text(ZoneInfo(zone), at)}")
        for code, zones in get_global("territory_zones").items()
        if code in phonenumbers.SUPPORTED_REGIONS
        for zone in zones
    ]
    return sorted(choices, key=lambda choice: choice[1])

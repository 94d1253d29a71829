"""Which class of number an E.164 number is by its country's plan (rule 6.3).

The card's own class decides where it names one; a card that says `any` leaves it to the
numbering plan: toll-free, premium and shared-cost ranges as the phone number library
knows them. A pattern is compiled once a country, so a batch only matches.
"""

import re
from functools import cache

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

from calling.models import NumberType
from calling.regions import country_of

ANY = NumberType.ANY.value
# A range may be told twice; the dearer reading comes first.
_CLASSES = (
    ("premium_rate", NumberType.PREMIUM.value),
    ("shared_cost", NumberType.SHARED_COST.value),
    ("toll_free", NumberType.TOLLFREE.value),
)


@cache
def _codes() -> dict[str, str]:
    """Country → its calling code."""
    return {
        region: str(code)
        for code, regions in COUNTRY_CODE_TO_REGION_CODE.items()
        for region in regions
        if region != "001"  # no country: satellites and services
    }


@cache
def _pattern(country: str) -> re.Pattern[str] | None:
    """One pattern for all classes of a country; the group that matched names it."""
    metadata = PhoneMetadata.metadata_for_region(country)
    if metadata is None:
        return None
    groups = []
    for attribute, name in _CLASSES:
        numbers = getattr(metadata, attribute)
        if numbers is not None and numbers.national_number_pattern:
            groups.append(f"(?P<{name}>{numbers.national_number_pattern})")
    return re.compile("|".join(groups)) if groups else None


def class_by_plan(number: str) -> str:
    """`premium`, `shared_cost`, `tollfree`, or '' for every other number."""
    country = country_of(number)
    pattern = _pattern(country) if country else None
    if pattern is None:
        return ""
    found = pattern.fullmatch(number, len(_codes()[country]) + 1)
    return str(found.lastgroup) if found else ""


def class_of(number: str, card_says: str) -> str:
    """The card's class, or where it leaves it open that of the numbering plan."""
    return (class_by_plan(number) or ANY) if card_says == ANY else card_says

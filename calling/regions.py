"""Which country a number is in, whether it is domestic, whether it is in zone A.

The numbering plan is data here; areas and zone are what staff keep. Country codes that
several countries share need a table of their own: +1 is twenty-odd countries, +7 is
two, +44 includes three islands.
"""

import re
from functools import cache

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

from calling.call_areas import CallAreas, call_areas

_CANADA = (
    "204 226 236 249 250 257 263 289 306 343 354 365 367 368 382 387 403 416 418 428 "
    "431 437 438 450 460 468 474 506 514 519 548 579 581 584 587 604 613 639 647 672 "
    "683 705 709 742 753 778 780 782 807 819 825 867 873 879 902 905 942"
)
_SHARED = {
    "76": "KZ",
    "77": "KZ",
    "2125288": "EH",
    "2125289": "EH",
    "262269": "YT",
    "262639": "YT",
    "2908": "TA",
    "35818": "AX",
    "3906698": "VA",
    "441481": "GG",
    "441534": "JE",
    "441624": "IM",
    "447624": "IM",
    "447781": "GG",
    "447797": "JE",
    "447839": "GG",
    "447924": "IM",
    "4779": "SJ",
    "5993": "BQ",
    "5994": "BQ",
    "5997": "BQ",
    "6189162": "CC",
    "6189164": "CX",
}


@cache
def _countries() -> dict[str, str]:
    """Leading digits → country, for the longest that fits."""
    countries = {
        str(code): regions[0]
        for code, regions in COUNTRY_CODE_TO_REGION_CODE.items()
        if regions[0] != "001"  # no country: satellites and services
    }
    for region in COUNTRY_CODE_TO_REGION_CODE[1]:
        for area in _north_american_areas(region):
            countries["1" + area] = region
    return countries | _SHARED


def _north_american_areas(region: str) -> list[str]:
    if region == "CA":
        return _CANADA.split()
    metadata = PhoneMetadata.metadata_for_region(region)
    if metadata is None or not metadata.leading_digits:
        return []
    leads = re.compile(metadata.leading_digits)
    return [str(area) for area in range(200, 1000) if leads.match(str(area))]


@cache
def _lengths() -> dict[str, tuple[int, ...]]:
    """The first two digits → how many leading digits tell a country, most first."""
    found: dict[str, set[int]] = {}
    for leading in _countries():
        short = [leading] + [f"{leading}{digit}" for digit in range(10)]
        for head in [leading[:2]] if len(leading) > 1 else short:
            found.setdefault(head, set()).add(len(leading))
    return {head: tuple(sorted(known)[::-1]) for head, known in found.items()}


def country_of(number: str) -> str:
    """The country of an E.164 number, '' where it has none."""
    digits, countries = number[1:], _countries()
    for length in _lengths().get(digits[:2], ()):
        country = countries.get(digits[:length])
        if country is not None:
            return country
    return ""


def is_domestic(
    number: str, usage_country: str, areas: CallAreas | None = None
) -> bool:
    """Whether a number lies in the domestic area of a line's usage country."""
    country = country_of(number)
    if country == usage_country:
        return True
    domestic = (areas or call_areas()).domestic
    area = domestic.get(country)
    return area is not None and area == domestic.get(usage_country)


def is_in_zone_a(number: str) -> bool:
    """Whether included conference minutes dial out to a number."""
    return country_of(number) in call_areas().zone_a

"""Domestic areas and zone A as staff keep them (rules 1.5, 6.3 and 7.2).

One statement, and then in memory: a batch of any size asks for nothing more. What staff
change holds at once in their own process and within a minute in every other.
"""

from collections.abc import Mapping
from datetime import datetime
from time import monotonic
from typing import NamedTuple

from django.db import transaction

from accounts.audit import record_audit
from accounts.models import User
from calling.models import CallCountry

KEPT_FOR = 60  # seconds


class CallAreas(NamedTuple):
    """Country → domestic area, where it has one; the countries of zone A."""

    domestic: Mapping[str, str]
    zone_a: frozenset[str]


class _Kept:
    """What was read last, and until when it is believed."""

    areas = CallAreas({}, frozenset())
    until = float("-inf")


def call_areas() -> CallAreas:
    """The areas of this minute."""
    if monotonic() >= _Kept.until:
        _Kept.areas = _read()
        _Kept.until = monotonic() + KEPT_FOR
    return _Kept.areas


def forget_call_areas() -> None:
    """The next who asks reads them anew."""
    _Kept.until = float("-inf")


def save_call_country(
    country: CallCountry, *, actor: User, at: datetime
) -> CallCountry:
    """Keeps what staff decided of a country; before and after go to the audit trail."""
    with transaction.atomic():
        before = CallCountry.objects.filter(pk=country.pk).first()
        country.save()
        record_audit(
            "decide_call_country",
            at=at,
            actor=actor,
            object=f"country:{country.country}",
            before=_facts(before) if before is not None else None,
            after=_facts(country),
        )
        transaction.on_commit(forget_call_areas)
    return country


def _facts(country: CallCountry) -> dict[str, object]:
    return {
        "country": country.country,
        "domestic_area": country.domestic_area,
        "is_in_zone_a": country.is_in_zone_a,
    }


def _read() -> CallAreas:
    rows = CallCountry.objects.values_list("country", "domestic_area", "is_in_zone_a")
    domestic: dict[str, str] = {}
    zone_a: set[str] = set()
    for country, area, is_in_zone_a in rows:
        if area:
            domestic[country] = area
        if is_in_zone_a:
            zone_a.add(country)
    return CallAreas(domestic, frozenset(zone_a))

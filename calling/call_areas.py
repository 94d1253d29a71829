"""Domestic areas and zone A as staff keep them (rules 1.5, 6.3 and 7.2).

One statement, and then in memory. A batch reads them anew when the count of changes is
another. For a quote, what staff change holds at once in their own process and within a
minute in every other.
"""

from collections.abc import Mapping
from datetime import datetime
from time import monotonic
from typing import NamedTuple

from django.db import transaction

from accounts.audit import record_audit
from accounts.models import User
from calling.models import CallCountry
from calling.reference import FactsCounts

KEPT_FOR = 60  # seconds


class CallAreas(NamedTuple):
    """Country → domestic area, where it has one; the countries of zone A."""

    domestic: Mapping[str, str]
    zone_a: frozenset[str]


NO_AREAS = CallAreas({}, frozenset())


class _Kept:
    """What was read last, and until when it is believed."""

    areas = NO_AREAS
    until = float("-inf")
    provider: int | None = None  # the count when they were read


def call_areas() -> CallAreas:
    """The areas of this minute."""
    if monotonic() >= _Kept.until:
        _keep(_read())
    return _Kept.areas


def call_areas_at(counts: FactsCounts) -> CallAreas:
    """The areas when the provider's facts had changed so often; read once."""
    if counts.provider != _Kept.provider:
        _keep(_read())
        _Kept.provider = counts.provider
    return _Kept.areas


def forget_call_areas() -> None:
    """The next who asks reads them anew."""
    _Kept.until = float("-inf")
    _Kept.provider = None


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


def _keep(areas: CallAreas) -> None:
    _Kept.areas = areas
    _Kept.until = monotonic() + KEPT_FOR


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

"""Reads a card's versions and writes new ones; a version's rates never change after.

A rate remembers since when its prefix has had its price, so that a version which
repeats a price does not seem to begin it. Called by verbs that hold the card's lock.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from calling.decks.record import RateIn
from calling.models import Rate, RateCard, RateCardVersion
from calling.rate import RateView
from credits.bulk import insert_rows

FACTS = (
    "destination",
    "country",
    "number_type",
    "rate_per_minute",
    "connect_fee",
    "interval_1",
    "interval_n",
    "minimum_charge",
    "is_blocked",
    "valid_from",
    "valid_to",
    "unmapped",
)
COLUMNS = ("version_id", "prefix", *FACTS, "longest_number", "held_since")


@dataclass(frozen=True)
class VersionRates:
    """A version, its rates by prefix, and since when each price has held."""

    version: RateCardVersion | None = None
    rates: dict[str, RateIn] = field(default_factory=dict)
    since: dict[str, datetime] = field(default_factory=dict)


def version_in_force(card: RateCard, at: datetime) -> RateCardVersion | None:
    """The version that prices calls which start at this moment."""
    if card._state.adding:
        return None
    begun = card.versions.filter(valid_from__lte=at)
    return begun.order_by("-valid_from", "-number").first()


def scheduled_versions(card: RateCard, at: datetime) -> list[RateCardVersion]:
    """Those that come into force later, in their order."""
    if card._state.adding:
        return []
    later = card.versions.filter(valid_from__gt=at)
    return list(later.order_by("valid_from", "number"))


def read_rates(version: RateCardVersion | None) -> VersionRates:
    if version is None:
        return VersionRates()
    found = VersionRates(version)
    rows = version.rates.values_list("prefix", *FACTS, "longest_number", "held_since")
    for prefix, *facts, longest, since in rows.iterator():
        told = dict(zip(FACTS, facts, strict=True))
        rate = RateIn(line=0, prefix=prefix, longest_number=longest, **told)
        found.rates[prefix] = rate
        found.since[prefix] = since or version.valid_from
    return found


def facts_of(rate: RateIn) -> tuple[object, ...]:
    """All that a rate says but its prefix; two that say the same are one."""
    facts = tuple(getattr(rate, name) for name in FACTS)
    return facts if rate.longest_number is None else (*facts, rate.longest_number)


def price_of(rate: RateIn) -> tuple[object, ...]:
    """What decides the cost of a call."""
    return (
        rate.rate_per_minute,
        rate.connect_fee,
        rate.interval_1,
        rate.interval_n,
        rate.minimum_charge,
        rate.is_blocked,
        rate.longest_number,
    )


def view_of(rate: RateIn) -> RateView:
    """The rate as pricing knows it."""
    return RateView(
        rate.prefix,
        rate.destination,
        rate.country,
        rate.number_type,
        rate.rate_per_minute,
        rate.connect_fee,
        rate.interval_1,
        rate.interval_n,
        rate.minimum_charge,
        rate.is_blocked,
    )


def digest_of(rates: Iterable[RateIn]) -> str:
    """Of the rates, not of the file: a new comment or order is no new price."""
    told = sorted(
        f"{rate.prefix} {tuple(map(_told, facts_of(rate)))}" for rate in rates
    )
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def _told(fact: object) -> object:
    """An instant reads the same whichever zone object it carries."""
    return str(fact.astimezone(UTC)) if isinstance(fact, datetime) else fact


def next_number(card: RateCard) -> int:
    if card._state.adding:
        return 1
    latest = card.versions.order_by("number").last()
    return latest.number + 1 if latest is not None else 1


def write_version(
    card: RateCard,
    rates: Mapping[str, RateIn],
    *,
    before: VersionRates,
    valid_from: datetime,
    at: datetime,
    restores: RateCardVersion | None = None,
) -> RateCardVersion:
    """The card's next version; the caller holds the card's lock."""
    version = RateCardVersion.objects.create(
        card=card,
        number=next_number(card),
        valid_from=valid_from,
        digest=digest_of(rates.values()),
        rate_count=len(rates),
        imported_at=at,
        restores=restores,
    )
    rows: list[tuple[object, ...]] = []
    for prefix, rate in rates.items():
        *facts, unmapped = (getattr(rate, name) for name in FACTS)
        text = json.dumps(unmapped) if unmapped else None
        since = _since(rate, before, valid_from)
        rows.append((version.pk, prefix, *facts, text, rate.longest_number, since))
    insert_rows(Rate, COLUMNS, rows)
    return version


def _since(rate: RateIn, before: VersionRates, valid_from: datetime) -> datetime:
    old = before.rates.get(rate.prefix)
    if old is not None and price_of(old) == price_of(rate):
        return min(before.since[rate.prefix], valid_from)
    return valid_from

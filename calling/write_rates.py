"""Reads a card's versions and writes new ones; a version's rates never change after.

A rate remembers since when its prefix has had its price, so that a version which
repeats a price does not seem to begin it. Neither way is a whole card's rows in memory,
only prefixes and terms. Called by verbs that hold the card's lock.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

from calling.card_rates import CardRates, Terms
from calling.decks.record import RateIn
from calling.models import Rate, RateCard, RateCardVersion
from calling.rate import RateView
from credits.bulk import ROWS_PER_PART, Table, insert_tables

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
    rates: CardRates = field(default_factory=CardRates)
    since: dict[str, datetime] = field(default_factory=dict)

    def held_since(self, prefix: str) -> datetime | None:
        """Kept only where it is not since the version itself."""
        begun = self.version.valid_from if self.version is not None else None
        return self.since.get(prefix, begun)


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
    known: dict[datetime, datetime] = {}
    rows = version.rates.values_list("prefix", *FACTS, "longest_number", "held_since")
    for prefix, *facts, unmapped, longest, since in rows.iterator():
        kept = tuple(unmapped.items()) if unmapped else None
        found.rates.put(prefix, Terms._make((*facts, kept, longest, False)))
        if since is not None and since != version.valid_from:
            found.since[prefix] = known.setdefault(since, since)
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


def digest_of(rates: Mapping[str, RateIn]) -> str:
    """Of the rates, not of the file: a new comment or order is no new price."""
    digest, sep = hashlib.sha256(), ""
    for prefix in sorted(rates):
        facts = tuple(map(_told, facts_of(rates[prefix])))
        digest.update(f"{sep}{prefix} {facts}".encode())
        sep = "\n"
    return digest.hexdigest()


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
        digest=digest_of(rates),
        rate_count=len(rates),
        imported_at=at,
        restores=restores,
    )
    insert_tables(_tables(version, rates, before))
    return version


def _tables(
    version: RateCardVersion, rates: Mapping[str, RateIn], before: VersionRates
) -> Iterator[Table]:
    """The rates in parts: of no more than one there are rows at a time."""
    rows = (_row(version, rate, before) for rate in rates.values())
    while part := list(islice(rows, ROWS_PER_PART)):
        yield Table(Rate, COLUMNS, part)


def _row(
    version: RateCardVersion, rate: RateIn, before: VersionRates
) -> tuple[object, ...]:
    *facts, unmapped = (getattr(rate, name) for name in FACTS)
    text = json.dumps(unmapped) if unmapped else None
    since = _since(rate, before, version.valid_from)
    return (version.pk, rate.prefix, *facts, text, rate.longest_number, since)


def _since(rate: RateIn, before: VersionRates, valid_from: datetime) -> datetime:
    old = before.rates.get(rate.prefix)
    since = before.held_since(rate.prefix)
    if since is not None and old is not None and price_of(old) == price_of(rate):
        return min(since, valid_from)
    return valid_from

"""The price list a customer has now, and what each price becomes (rule 6.1).

Read from the tables that price calls, so that a page cannot say anything else than a
charge. Since when a price has held is what its rate remembers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from accounts.models import Organisation
from calling.cards import Version, read_cards
from calling.classify import find_rate
from calling.models import Rate
from calling.rate import RateView
from calling.rate_table import RateTable, rate_table
from calling.regions import country_of
from credits.money import Micros

MOST_DATES = 6  # that are looked ahead
IN_ONE_QUERY = 500
_PRICE = 4  # a RateView's price begins here


class NextPrice(NamedTuple):
    """What a prefix costs from a date on; no rate where it is no longer offered."""

    starts_at: datetime
    rate: RateView | None


@dataclass(frozen=True)
class PriceRow:
    """One price: the prefixes that have it, since when, and what comes next."""

    rate: RateView
    country: str
    prefixes: tuple[str, ...]
    held_since: datetime
    next: NextPrice | None

    @property
    def is_free(self) -> bool:
        rate = self.rate
        return not (rate.rate_per_minute or rate.connect_fee or rate.minimum_charge)


class CountryPrices(NamedTuple):
    """What a minute to a country costs at least, where it is not free."""

    country: str
    lowest: Micros


@dataclass(frozen=True)
class PriceList:
    """The version in force for somebody, and the tables of those that follow."""

    version: Version
    table: RateTable
    later: tuple[tuple[datetime, RateTable], ...]
    at: datetime

    def find(self, number: str) -> RateView | None:
        return find_rate(self.table, number, self.at)

    def countries(self) -> tuple[CountryPrices, ...]:
        """Of every country that is offered, in the order of their codes."""
        return _countries(self.version.id, self.version.digest)

    def of_country(self, country: str) -> list[RateView]:
        """The rates that hold now, in the order of their prefixes."""
        rates = self.table.rates.values()
        found = [rate for rate in rates if country_of_rate(rate) == country]
        return sorted(filter(self._holds, found), key=lambda rate: rate.prefix)

    def everything(self) -> list[RateView]:
        rates = self.table.rates.values()
        return sorted(filter(self._holds, rates), key=lambda rate: rate.prefix)

    def next_price(self, rate: RateView) -> NextPrice | None:
        """The first of the later tables that prices this prefix otherwise."""
        for starts_at, table in self.later:
            found = table.find(f"+{rate.prefix}", starts_at)
            if found is None or found[_PRICE:] != rate[_PRICE:]:
                return NextPrice(starts_at, found)
        return None

    def rows(self, rates: Iterable[RateView]) -> list[PriceRow]:
        """Rates that differ in nothing but their prefix are one row."""
        rates = list(rates)
        since = self.held_since([rate.prefix for rate in rates])
        groups: dict[tuple[object, ...], list[RateView]] = {}
        for rate in rates:
            key = (
                *rate[1:],
                country_of_rate(rate),
                since[rate.prefix],
                self.next_price(rate),
            )
            groups.setdefault(key, []).append(rate)
        return [
            PriceRow(
                some[0],
                country_of_rate(some[0]),
                tuple(rate.prefix for rate in some),
                since[some[0].prefix],
                self.next_price(some[0]),
            )
            for some in groups.values()
        ]

    def held_since(self, prefixes: list[str]) -> dict[str, datetime]:
        found: dict[str, datetime] = {}
        for start in range(0, len(prefixes), IN_ONE_QUERY):
            some = Rate.objects.filter(
                version=self.version.id, prefix__in=prefixes[start:][:IN_ONE_QUERY]
            )
            for prefix, since in some.values_list("prefix", "held_since"):
                found[prefix] = since or self.version.valid_from
        return found

    def _holds(self, rate: RateView) -> bool:
        period = self.table.periods.get(rate.prefix)
        return period is None or period.holds(self.at)


def read_price_list(
    organisation: Organisation | None, currency: str, purpose: str, *, at: datetime
) -> PriceList | None:
    """What prices calls now: the organisation's own card, else the default."""
    pk = organisation.pk if organisation is not None else 0
    cards = read_cards([pk] if pk else [], [currency])
    version = cards.version(pk, currency, purpose, at)
    if version is None:
        return None
    later = tuple(
        (date, table)
        for date in cards.dates_after(pk, currency, purpose, at)[:MOST_DATES]
        if (table := cards.table(pk, currency, purpose, date)) is not None
    )
    return PriceList(version, rate_table(version.id, version.digest), later, at)


def country_of_rate(rate: RateView) -> str:
    return rate.country or country_of(f"+{rate.prefix}")


@lru_cache(maxsize=16)
def _countries(version_id: int, digest: str) -> tuple[CountryPrices, ...]:
    prices: dict[str, Micros] = {}
    for rate in rate_table(version_id, digest).rates.values():
        country = country_of_rate(rate)
        if country and not rate.is_blocked:
            known, price = prices.get(country, 0), rate.rate_per_minute
            prices[country] = min(known, price) if known and price else known or price
    return tuple(CountryPrices(country, prices[country]) for country in sorted(prices))

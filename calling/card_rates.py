"""A card's rates by prefix, kept small: prefixes of the same terms share them.

A price list has many prefixes and few prices. What is kept of a million rates is their
prefixes and, once each, the terms that they have in common; a rate is put together when
it is asked for, and knows no line of a file.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from calling.decks.record import RateIn
from credits.money import Micros


class Terms(NamedTuple):
    """All of a rate but its prefix, in the order of `RateIn`."""

    destination: str
    country: str
    number_type: str
    rate_per_minute: Micros
    connect_fee: Micros
    interval_1: int
    interval_n: int
    minimum_charge: Micros
    is_blocked: bool
    valid_from: datetime | None
    valid_to: datetime | None
    unmapped: tuple[tuple[str, str], ...] | None
    longest_number: int | None
    is_closed: bool = False


def terms_of(rate: RateIn) -> Terms:
    return Terms(
        rate.destination,
        rate.country,
        rate.number_type,
        rate.rate_per_minute,
        rate.connect_fee,
        rate.interval_1,
        rate.interval_n,
        rate.minimum_charge,
        rate.is_blocked,
        rate.valid_from,
        rate.valid_to,
        tuple(rate.unmapped.items()) if rate.unmapped else None,
        rate.longest_number,
        rate.is_closed,
    )


class CardRates(Mapping[str, RateIn]):
    """Reads like a dict of rates; a copy shares the terms."""

    def __init__(self, rates: Iterable[RateIn] = ()) -> None:
        self.terms: dict[str, Terms] = {}
        self._known: dict[Terms, Terms] = {}
        for rate in rates:
            self.put(rate.prefix, terms_of(rate))

    def put(self, prefix: str, terms: Terms) -> None:
        self.terms[prefix] = self._known.setdefault(terms, terms)

    def drop(self, prefix: str) -> None:
        self.terms.pop(prefix, None)

    def copy(self) -> "CardRates":
        made = CardRates()
        made.terms, made._known = self.terms.copy(), self._known.copy()
        return made

    def __getitem__(self, prefix: str) -> RateIn:
        return rate_of(prefix, self.terms[prefix])

    def __contains__(self, prefix: object) -> bool:
        return prefix in self.terms

    def __iter__(self) -> Iterator[str]:
        return iter(self.terms)

    def __len__(self) -> int:
        return len(self.terms)


def rate_of(prefix: str, terms: Terms, line: int = 0) -> RateIn:
    rate = RateIn(line, prefix, *terms)  # type: ignore[arg-type]  # unmapped, below
    if terms.unmapped is not None:
        rate.unmapped = dict(terms.unmapped)
    return rate


def card_rates(rates: Mapping[str, RateIn]) -> CardRates:
    """A copy to be changed, whichever way the rates are kept."""
    if isinstance(rates, CardRates):
        return rates.copy()
    return CardRates(rates.values())

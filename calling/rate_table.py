"""A rate card version in memory: the longest prefix of a number, without a query.

Immutable and cached by version. A dict from prefix to rate, and for each three-digit
head the prefix lengths that exist under it, longest first; 150,000 prefixes load in
well under a second and match several hundred thousand numbers a second.
"""

import gc
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from django.db import connection

from calling.rate import RateView

_HEAD = 3
_ALWAYS = (2, 1)  # prefixes shorter than a head are tried for every number


class Period(NamedTuple):
    """When a rate with dates of its own applies, half-open, and to which numbers."""

    valid_from: datetime | None
    valid_to: datetime | None
    longest_number: int | None = None

    def holds(self, at: datetime, digits: str = "") -> bool:
        begun = self.valid_from is None or self.valid_from <= at
        if self.longest_number is not None and len(digits) > self.longest_number:
            return False
        return begun and (self.valid_to is None or at < self.valid_to)


class RateTable:
    """The rates of one card version, by prefix."""

    def __init__(
        self,
        version_id: int,
        rates: Iterable[RateView],
        periods: dict[str, Period] | None = None,
    ) -> None:
        self.version_id = version_id
        self.rates = {rate.prefix: rate for rate in rates}
        self.periods = periods or {}
        self.lengths = _lengths(self.rates)

    def find(self, number: str, at: datetime) -> RateView | None:
        """The rate of the longest prefix of an E.164 number that holds at the time."""
        rates, digits = self.rates, number[1:]
        for length in self.lengths.get(digits[:_HEAD], _ALWAYS):
            rate = rates.get(digits[:length])
            if rate is not None and (not self.periods or self._holds(rate, at, digits)):
                return rate
        return None

    def is_ambiguous(self, seen: str, found: RateView) -> bool:
        """Whether a masked number's hidden digits could lead to another price."""
        digits = seen[1:]
        first = bisect_right(self.in_order, digits)
        for prefix in self.in_order[first:]:
            if not prefix.startswith(digits):
                return False
            if self.rates[prefix][4:] != found[4:]:
                return True
        return False

    @cached_property
    def in_order(self) -> Sequence[str]:
        return sorted(self.rates)

    def _holds(self, rate: RateView, at: datetime, digits: str) -> bool:
        period = self.periods.get(rate.prefix)
        return period is None or period.holds(at, digits)


def _lengths(prefixes: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Head → lengths of the prefixes that begin with it, longest first."""
    found: dict[str, list[int]] = {}
    for head, length in {(prefix[:_HEAD], len(prefix)) for prefix in prefixes}:
        if length >= _HEAD:
            found.setdefault(head, [*_ALWAYS]).append(length)
    return {
        head: tuple(sorted(lengths, reverse=True)) for head, lengths in found.items()
    }


@lru_cache(maxsize=16)
def rate_table(version_id: int, digest: str) -> RateTable:
    """The table of a version; its digest makes sure that it is still the same one."""
    known: dict[str, str] = {}  # each destination's name once, not per prefix
    share = known.setdefault
    make = tuple.__new__  # half of what RateView._make takes
    with connection.cursor() as cursor, _collector_paused():
        cursor.execute(
            "SELECT prefix, destination, country, number_type, rate_per_minute,"
            " connect_fee, interval_1, interval_n, minimum_charge, is_blocked"
            " FROM calling_rate WHERE version_id = %s",
            [version_id],
        )
        rates = [
            make(RateView, (a, share(b, b), share(c, c), share(d, d), e, f, g, h, i, j))
            for a, b, c, d, e, f, g, h, i, j in cursor.fetchall()
        ]
        return RateTable(version_id, rates, _periods(version_id))


@contextmanager
def _collector_paused() -> Iterator[None]:
    # So many new tuples, none of them garbage, would be looked through again and again.
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _periods(version_id: int) -> dict[str, Period]:
    # Models are read late: this module's table and matching need no database.
    from calling.models import Rate

    limited: Any = Rate.objects.filter(version_id=version_id).exclude(
        valid_from=None, valid_to=None, longest_number=None
    )
    columns = ("prefix", "valid_from", "valid_to", "longest_number")
    return {
        prefix: Period(*limits) for prefix, *limits in limited.values_list(*columns)
    }

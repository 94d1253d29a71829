"""Which versions a deck makes of a card: one for each date from which its prices hold.

Pure. A whole deck replaces the card, a deck of changes is laid over it. A price that
holds only later comes with a version of its own, and until then the old one stays. Two
prices of one prefix that hold at the same time are refused, the second of them. Rows
are taken one by one, and only their prefixes and terms are kept.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from calling.card_rates import CardRates, Terms, card_rates, rate_of, terms_of
from calling.decks.record import BadDeck, BadRows, DeckError, DeckRow, RateIn

MOST_DATES = 24
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class PlannedVersion:
    """A whole card's rates, and the moment from which they hold."""

    valid_from: datetime
    rates: CardRates


@dataclass
class _Sorted:
    """The good rows by prefix; where a prefix has several, they stand in `several`."""

    first: CardRates = field(default_factory=CardRates)
    lines: dict[str, int] = field(default_factory=dict)
    several: dict[str, list[RateIn]] = field(default_factory=dict)
    dates: set[datetime] = field(default_factory=set)
    bad: BadRows = field(default_factory=BadRows)

    def rows_of(self, prefix: str) -> list[RateIn]:
        """In the order of their dates."""
        if prefix in self.several:
            return self.several[prefix]
        if prefix not in self.lines:
            return []
        return [rate_of(prefix, self.first.terms[prefix], self.lines[prefix])]

    def add(self, row: RateIn, others: list[RateIn]) -> None:
        if not others:
            self.first.put(row.prefix, terms_of(row))
            self.lines[row.prefix] = row.line
            return
        rows = sorted([*others, row], key=lambda one: one.valid_from or LONG_AGO)
        self.several[row.prefix] = rows

    def begun(self, prefix: str, date: datetime, starts_at: datetime) -> Terms | None:
        """What holds of a prefix at a date."""
        rows = self.several.get(prefix)
        if rows is None:
            terms = self.first.terms[prefix]
            return terms if _from(terms, starts_at) <= date else None
        held = [row for row in rows if _from(row, starts_at) <= date]
        return terms_of(held[-1]) if held else None


def plan_versions(
    rows: Iterable[DeckRow],
    before: Mapping[str, RateIn],
    *,
    starts_at: datetime,
    changes_only: bool = False,
) -> tuple[list[PlannedVersion], BadRows]:
    """The versions in the order of their dates, and the rows that are refused."""
    deck = _sort_out(rows, starts_at)
    if len(deck.dates) > MOST_DATES:
        raise BadDeck(f"The prices hold from more than {MOST_DATES} different dates.")
    planned = []
    for date in sorted(deck.dates):
        rates = card_rates(before) if changes_only else CardRates()
        _lay_over(rates, deck, before, date, starts_at)
        planned.append(PlannedVersion(date, rates))
    return planned, deck.bad


def _lay_over(
    rates: CardRates,
    deck: _Sorted,
    before: Mapping[str, RateIn],
    date: datetime,
    starts_at: datetime,
) -> None:
    """The deck's prices at a date; until a price has begun, the old one stays."""
    for prefix in deck.first:
        told = deck.begun(prefix, date, starts_at)
        old = before.get(prefix) if told is None else None
        terms = terms_of(old) if old is not None else told
        if terms is None or terms.is_closed or _is_over(terms, date):
            rates.drop(prefix)
        elif told is None or told.valid_from is None:
            rates.put(prefix, terms)
        else:
            rates.put(prefix, told._replace(valid_from=None))


def _is_over(rate: Terms, date: datetime) -> bool:
    return rate.valid_to is not None and rate.valid_to <= date


def _from(row: RateIn | Terms, starts_at: datetime) -> datetime:
    """What held already when the version starts holds from its start."""
    return max(row.valid_from or starts_at, starts_at)


def _sort_out(rows: Iterable[DeckRow], starts_at: datetime) -> _Sorted:
    deck = _Sorted()
    for row in rows:
        if isinstance(row, DeckError):
            deck.bad.add(row)
            continue
        others = deck.rows_of(row.prefix)
        clash = next((other for other in others if _clash(row, other, starts_at)), None)
        if clash is None:
            deck.add(row, others)
            deck.dates.add(_from(row, starts_at))
        else:
            deck.bad.add(_twice(row, clash))
    return deck


def _clash(row: RateIn, other: RateIn, starts_at: datetime) -> bool:
    """Whether both hold at once: the same beginning, or one has not ended by then.

    An open end is an end where the next begins.
    """
    starts = (row.valid_from or starts_at, other.valid_from or starts_at)
    if starts[0] == starts[1]:
        return True
    first, second = (row, other) if starts[0] < starts[1] else (other, row)
    return first.valid_to is not None and first.valid_to > (
        second.valid_from or starts_at
    )


def _twice(row: RateIn, first: RateIn) -> DeckError:
    reason = f"prefix {row.prefix} is in line {first.line} already."
    if row.valid_from != first.valid_from:
        reason = f"prefix {row.prefix} holds while line {first.line} does."
    return DeckError(row.line, reason, f"{row.prefix} {row.destination}")

"""Which versions a deck makes of a card: one for each date from which its prices hold.

Pure. A whole deck replaces the card, a deck of changes is laid over it. A price that
holds only later comes with a version of its own, and until then the old one stays. Two
prices of one prefix that hold at the same time are refused, the second of them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from calling.decks.record import BadDeck, DeckError, DeckRow, RateIn

MOST_DATES = 24
LONG_AGO = datetime.min.replace(tzinfo=UTC)

Rates = dict[str, RateIn]


@dataclass(frozen=True)
class PlannedVersion:
    """A whole card's rates, and the moment from which they hold."""

    valid_from: datetime
    rates: Rates


def plan_versions(
    rows: Iterable[DeckRow],
    before: Mapping[str, RateIn],
    *,
    starts_at: datetime,
    changes_only: bool = False,
) -> tuple[list[PlannedVersion], list[DeckError]]:
    """The versions in the order of their dates, and the rows that are refused."""
    by_prefix, bad = _sort_out(rows, starts_at)
    dates = sorted(
        {_from(row, starts_at) for some in by_prefix.values() for row in some}
    )
    if len(dates) > MOST_DATES:
        raise BadDeck(f"The prices hold from more than {MOST_DATES} different dates.")
    base = before if changes_only else {}
    planned = []
    for date in dates:
        rates = dict(base)
        for prefix, some in by_prefix.items():
            begun = [row for row in some if _from(row, starts_at) <= date]
            rate = begun[-1] if begun else before.get(prefix)
            if rate is None or rate.is_closed or _is_over(rate, date):
                rates.pop(prefix, None)
            else:
                rates[prefix] = replace(rate, valid_from=None) if begun else rate
        planned.append(PlannedVersion(date, rates))
    return planned, bad


def _is_over(rate: RateIn, date: datetime) -> bool:
    return rate.valid_to is not None and rate.valid_to <= date


def _from(row: RateIn, starts_at: datetime) -> datetime:
    """What held already when the version starts holds from its start."""
    return max(row.valid_from or starts_at, starts_at)


def _sort_out(
    rows: Iterable[DeckRow], starts_at: datetime
) -> tuple[dict[str, list[RateIn]], list[DeckError]]:
    good: dict[str, list[RateIn]] = {}
    bad: list[DeckError] = []
    for row in rows:
        if isinstance(row, DeckError):
            bad.append(row)
            continue
        others = good.setdefault(row.prefix, [])
        clash = next((other for other in others if _clash(row, other, starts_at)), None)
        if clash is None:
            others.append(row)
            others.sort(key=lambda one: one.valid_from or LONG_AGO)
        else:
            bad.append(_twice(row, clash))
    return good, bad


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

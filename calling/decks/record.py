"""What every deck profile turns a supplier's price list into: one rate to a prefix."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypeAlias

from credits.money import Micros


@dataclass(frozen=True)
class Hints:
    """What a file does not tell of itself; a supplier's are kept as a DeckMapping.

    `columns` names a sheet's own columns (ours → theirs), `header` those of a sheet
    without a first line of names, `plan` one of several in a file; the intervals are
    for decks that say none.
    """

    charset: str = ""
    delimiter: str = ""
    decimal_comma: bool = False
    in_cents: bool = False
    time_zone: str = "UTC"
    date_format: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    header: tuple[str, ...] = ()
    plan: str = ""
    interval_1: int = 60
    interval_n: int = 60


NO_HINTS = Hints()


@dataclass(slots=True)
class RateIn:
    """One prefix of a deck, as a rate card will hold it.

    `longest_number` limits a rate to numbers of at most so many digits; `is_closed`
    says that the prefix is no longer offered.
    """

    line: int
    prefix: str
    destination: str
    country: str
    number_type: str
    rate_per_minute: Micros
    connect_fee: Micros = 0
    interval_1: int = 60
    interval_n: int = 60
    minimum_charge: Micros = 0
    is_blocked: bool = False
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    unmapped: dict[str, str] | None = None
    longest_number: int | None = None
    is_closed: bool = False


class DeckError(NamedTuple):
    """A row that is no rate: where, why, and its text."""

    line: int
    reason: str
    body: str


DeckRow: TypeAlias = RateIn | DeckError
MOST_BAD_ROWS = 10_000


class BadRows(list[DeckError]):
    """The first rows that are no rates, and how many came after them."""

    more = 0

    def add(self, row: DeckError) -> None:
        if len(self) < MOST_BAD_ROWS:
            self.append(row)
        else:
            self.more += 1

    @property
    def total(self) -> int:
        return len(self) + self.more


class BadCell(ValueError):
    """Raised inside a profile; its sentence becomes the reason of a DeckError."""


class BadDeck(ValueError):
    """The whole file cannot be read: no header, a column missing, no text."""

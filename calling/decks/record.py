"""What every deck profile turns a supplier's price list into: one rate to a prefix."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeAlias

from credits.money import Micros


@dataclass(slots=True)
class RateIn:
    """One prefix of a deck, as a rate card will hold it."""

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


class DeckError(NamedTuple):
    """A row that is no rate: where, why, and its text."""

    line: int
    reason: str
    body: str


DeckRow: TypeAlias = RateIn | DeckError


class BadCell(ValueError):
    """Raised inside a profile; its sentence becomes the reason of a DeckError."""


class BadDeck(ValueError):
    """The whole file cannot be read: no header, a column missing, no text."""

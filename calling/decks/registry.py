"""The deck profiles by name: whose file is understood, and by which reader."""

from collections.abc import Iterator
from typing import Protocol

from calling.decks import (
    a2billing,
    acs,
    astpp,
    carrier,
    cgrates,
    kazoo,
    tollgate,
    yeastar,
)
from calling.decks.record import NO_HINTS, DeckRow, Hints


class Parse(Protocol):
    """Reads a whole file; raises BadDeck for one that is no such deck."""

    def __call__(
        self, raw: bytes, currency: str, purpose: str, hints: Hints = NO_HINTS
    ) -> Iterator[DeckRow]: ...


PROFILES: dict[str, Parse] = {
    "tollgate": tollgate.parse,
    "acs": acs.parse,
    "astpp": astpp.parse,
    "a2billing": a2billing.parse,
    "cgrates": cgrates.parse,
    "kazoo": kazoo.parse,
    "yeastar": yeastar.parse,
    "carrier": carrier.parse,
}

"""Tollgate's own columns; everything but prefix, destination and rate may be left out.

prefix, destination, country, currency, rate_per_minute, connect_fee, interval_1,
interval_n, min_charge, effective_from, effective_to, direction, number_type, blocked
"""

from collections.abc import Iterator

from calling.decks import cells as read
from calling.decks.record import NO_HINTS, BadCell, DeckRow, Hints, RateIn
from calling.decks.sheet import SheetRow, rates_of, read_sheet
from calling.models import Purpose

REQUIRED = ("prefix", "destination", "rate_per_minute")
KNOWN = frozenset(
    {
        *REQUIRED,
        "country",
        "currency",
        "connect_fee",
        "interval_1",
        "interval_n",
        "min_charge",
        "effective_from",
        "effective_to",
        "direction",
        "number_type",
        "blocked",
    }
)


def parse(
    raw: bytes, currency: str, purpose: str, hints: Hints = NO_HINTS
) -> Iterator[DeckRow]:
    """The deck's rates; raises BadDeck for a file that is no such deck."""
    _, rows = read_sheet(raw, REQUIRED, hints=hints)
    return rates_of(rows, lambda row: _rates(row, currency, purpose, hints))


def _rates(
    row: SheetRow, currency: str, purpose: str, hints: Hints
) -> Iterator[DeckRow]:
    cells = row.cells
    _check_card(cells, currency, purpose)
    valid_from = read.time_cell(cells, "effective_from")
    valid_to = read.time_cell(cells, "effective_to")
    if valid_from and valid_to and valid_to <= valid_from:
        raise BadCell("effective_to is not after effective_from.")
    for prefix in read.prefixes_of(cells, "prefix"):
        yield RateIn(
            line=row.line,
            prefix=prefix,
            destination=read.text_cell(cells, "destination", 150),
            country=read.country_cell(cells, "country"),
            number_type=read.number_type_cell(cells, "number_type"),
            rate_per_minute=read.amount_cell(
                cells, "rate_per_minute", needed=True, hints=hints
            ),
            connect_fee=read.amount_cell(cells, "connect_fee", hints=hints),
            interval_1=read.seconds_cell(cells, "interval_1", hints.interval_1),
            interval_n=read.seconds_cell(cells, "interval_n", hints.interval_n),
            minimum_charge=read.amount_cell(cells, "min_charge", hints=hints),
            is_blocked=read.yes_cell(cells, "blocked"),
            valid_from=valid_from,
            valid_to=valid_to,
            unmapped=read.others(cells, KNOWN),
        )


def _check_card(cells: read.Cells, currency: str, purpose: str) -> None:
    named = cells.get("currency", "").upper()
    if named and named != currency:
        raise BadCell(f"currency {named[:10]} is not the card's currency {currency}.")
    direction = cells.get("direction", "").lower()
    wanted = "in" if purpose == Purpose.TOLL_FREE_IN else "out"
    if direction and direction != wanted:
        raise BadCell(f"direction {direction[:10]} does not belong on this card.")

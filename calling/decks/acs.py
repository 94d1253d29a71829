"""The price list of Azure Communication Services.

Destination Name, Destination Type, Country, Prefix, Price / min. US dollars, outbound,
by the whole minute unless the hints say otherwise, without fee or date. A
non-geographic number is toll-free where its name says so, and otherwise premium, which
no minute pool covers.
"""

from collections.abc import Iterator

from calling.decks import cells as read
from calling.decks.record import NO_HINTS, BadCell, BadDeck, DeckRow, Hints, RateIn
from calling.decks.sheet import SheetRow, rates_of, read_sheet
from calling.models import NumberType

REQUIRED = ("destination name", "destination type", "country", "prefix", "price / min")
TYPES = {
    "landline": NumberType.FIXED.value,
    "mobile": NumberType.MOBILE.value,
    "mixed": NumberType.ANY.value,
    "non-geographic": NumberType.PREMIUM.value,
}


def parse(
    raw: bytes, currency: str, purpose: str, hints: Hints = NO_HINTS
) -> Iterator[DeckRow]:
    """The deck's rates; raises BadDeck for a file that is no such deck."""
    if currency != "USD":
        raise BadDeck("This price list is in USD.")
    _, rows = read_sheet(raw, REQUIRED, hints=hints)
    return rates_of(rows, lambda row: [_rate(row, hints)])


def _rate(row: SheetRow, hints: Hints) -> RateIn:
    cells = row.cells
    prefixes = list(read.prefixes_of(cells, "prefix"))
    if len(prefixes) != 1:
        raise BadCell("prefix is more than one prefix.")
    destination = read.text_cell(cells, "destination name", 150)
    return RateIn(
        line=row.line,
        prefix=prefixes[0],
        destination=destination,
        country=read.country_cell(cells, "country"),
        number_type=_number_type(cells, destination),
        rate_per_minute=read.amount_cell(cells, "price / min", needed=True),
        interval_1=hints.interval_1,
        interval_n=hints.interval_n,
    )


def _number_type(cells: read.Cells, destination: str) -> str:
    kind = cells.get("destination type", "").lower()
    if kind not in TYPES:
        raise BadCell(f"destination type {kind[:30]} is not known.")
    if kind == "non-geographic" and "toll free" in destination.lower():
        return NumberType.TOLLFREE.value
    return TYPES[kind]

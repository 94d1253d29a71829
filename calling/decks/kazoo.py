"""A ratedeck of Kazoo, as its CSV upload has it.

prefix, rate_cost, iso_country_code, description, direction, rate_increment,
rate_minimum, rate_surcharge, rate_nocharge_time, rate_name, rate_version, ratedeck_id,
weight, pvt_rate_cost, pvt_rate_surcharge. The pair that begins with pvt_ is what the
provider pays: it stays beside the rate and prices nothing.
"""

from collections.abc import Iterator

from calling.decks import cells as read
from calling.decks.record import NO_HINTS, BadCell, DeckRow, Hints, RateIn
from calling.decks.sheet import SheetRow, rates_of, read_sheet
from calling.models import Purpose

REQUIRED = ("prefix", "rate_cost")
KNOWN = frozenset(
    {
        *REQUIRED,
        "iso_country_code",
        "description",
        "direction",
        "rate_increment",
        "rate_minimum",
        "rate_surcharge",
        "rate_nocharge_time",
    }
)


def parse(
    raw: bytes, currency: str, purpose: str, hints: Hints = NO_HINTS
) -> Iterator[DeckRow]:
    """The deck's rates; raises BadDeck for a file that is no such deck."""
    _, rows = read_sheet(raw, REQUIRED, hints=hints)
    decks: list[str] = []  # the first one named is the one that is read
    return rates_of(rows, lambda row: _rates(row, purpose, hints, decks))


def _rates(
    row: SheetRow, purpose: str, hints: Hints, decks: list[str]
) -> Iterator[DeckRow]:
    cells = row.cells
    _check_direction(cells, purpose)
    _check_deck(cells, hints.plan, decks)
    read.nothing_in(
        cells, ["rate_nocharge_time"], "an answered call costs from its first second"
    )
    for prefix in read.prefixes_of(cells, "prefix"):
        country = read.country_cell(cells, "iso_country_code")
        yield RateIn(
            line=row.line,
            prefix=prefix,
            destination=_destination(cells, prefix),
            country=country or read.country_of_prefix(prefix),
            number_type="any",
            rate_per_minute=read.amount_cell(
                cells, "rate_cost", needed=True, hints=hints
            ),
            connect_fee=read.amount_cell(cells, "rate_surcharge", hints=hints),
            interval_1=read.seconds_cell(cells, "rate_minimum", hints.interval_1),
            interval_n=read.seconds_cell(cells, "rate_increment", hints.interval_n),
            unmapped=read.others(cells, KNOWN),
        )


def _destination(cells: read.Cells, prefix: str) -> str:
    """Only prefix and price are never missing."""
    text = cells.get("description") or cells.get("rate_name") or prefix
    return read.text_cell({"description": text}, "description", 150)


def _check_direction(cells: read.Cells, purpose: str) -> None:
    told = cells.get("direction", "").lower()
    wanted = "inbound" if purpose == Purpose.TOLL_FREE_IN else "outbound"
    if told and wanted not in told:
        raise BadCell(f"direction {told[:30]} does not belong on this card.")


def _check_deck(cells: read.Cells, plan: str, decks: list[str]) -> None:
    named = cells.get("ratedeck_id", "")
    if not decks:
        decks.append(plan or named)
    if named != decks[0]:
        raise BadCell(
            f"ratedeck_id {named[:40] or '(empty)'} is another deck than"
            f" {decks[0][:40] or '(empty)'}."
        )

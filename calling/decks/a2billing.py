"""A ratecard of A2Billing: dialprefix;destination;rateinitial and what else was chosen.

The order of the other columns is the operator's, told by a first line or by the hints.
A comma may be the decimal sign, and amounts may be cents. A block of no seconds counts
single seconds. What a rate cannot say (parts of the week, prices in steps, charges when
hanging up) is refused row by row, never ignored.
"""

from collections.abc import Iterator
from dataclasses import replace

from calling.decks import cells as read
from calling.decks.record import NO_HINTS, BadCell, DeckRow, Hints, RateIn
from calling.decks.sheet import SheetRow, rates_of, read_sheet

REQUIRED = ("dialprefix", "destination", "rateinitial")
KNOWN = frozenset(
    {
        *REQUIRED,
        "initblock",
        "billingblock",
        "connectcharge",
        "startdate",
        "stopdate",
        "starttime",
        "endtime",
    }
)
STEPS = [
    name + step
    for step in "abc"
    for name in ("stepcharge", "charge", "timecharge", "billingblock")
]
HANGING_UP = ("disconnectcharge", "disconnectcharge_after")
ROUNDING = ("rounding_calltime", "rounding_threshold")
EXTRA = (
    "additional_block_charge",
    "additional_block_charge_time",
    "freetimetocall_package_offer",
)
WEEK_STARTS, WEEK_ENDS = {"", "0"}, {"", "10079"}  # minutes since Sunday


def parse(
    raw: bytes, currency: str, purpose: str, hints: Hints = NO_HINTS
) -> Iterator[DeckRow]:
    """The deck's rates; raises BadDeck for a file that is no such deck."""
    hints = replace(hints, decimal_comma=True)
    names = [name.lower() for name in hints.header] or REQUIRED
    _, rows = read_sheet(
        raw, REQUIRED, hints=hints, delimiters=";,:", comment="#", names=names
    )
    return rates_of(rows, lambda row: _rates(row, hints))


def _rates(row: SheetRow, hints: Hints) -> Iterator[DeckRow]:
    cells = row.cells
    _refuse_what_a_rate_cannot_say(cells)
    for prefix in read.prefixes_of(cells, "dialprefix"):
        yield RateIn(
            line=row.line,
            prefix=prefix,
            destination=read.text_cell(cells, "destination", 150),
            country=read.country_of_prefix(prefix),
            number_type="any",
            rate_per_minute=read.amount_cell(
                cells, "rateinitial", needed=True, hints=hints
            ),
            connect_fee=read.amount_cell(cells, "connectcharge", hints=hints),
            interval_1=_block(cells, "initblock", hints.interval_1),
            interval_n=_block(cells, "billingblock", hints.interval_n),
            valid_from=read.local_time_cell(cells, "startdate", hints),
            valid_to=read.local_time_cell(cells, "stopdate", hints),
            unmapped=read.others(cells, KNOWN),
        )


def _refuse_what_a_rate_cannot_say(cells: read.Cells) -> None:
    week = cells.get("starttime", ""), cells.get("endtime", "")
    if week[0] not in WEEK_STARTS or week[1] not in WEEK_ENDS:
        raise BadCell("starttime and endtime: a rate holds all week.")
    read.nothing_in(cells, STEPS, "a rate has one price, not steps")
    read.nothing_in(cells, HANGING_UP, "hanging up costs nothing")
    read.nothing_in(cells, ROUNDING, "seconds are rounded up to intervals")
    read.nothing_in(cells, EXTRA, "a rate has no such charge")


def _block(cells: read.Cells, name: str, default: int) -> int:
    text = cells.get(name, "")
    if text and not text.strip("0"):
        return 1
    return read.seconds_cell(cells, name, default)

"""Origination or termination rates of ASTPP.

Code, [Prepend,] Destination, Connect Cost, Included Seconds, Per Minute Cost,
[Initial Increment,] Increment, Precedence. An increment of 0 is the rate group's own,
which the file does not tell: the hints do. Included seconds are refused.
"""

from collections.abc import Iterator

from calling.decks import cells as read
from calling.decks.record import NO_HINTS, DeckRow, Hints, RateIn
from calling.decks.sheet import SheetRow, rates_of, read_sheet

REQUIRED = ("code", "destination", "per minute cost")
KNOWN = frozenset(
    {*REQUIRED, "connect cost", "included seconds", "increment", "initial increment"}
)


def parse(
    raw: bytes, currency: str, purpose: str, hints: Hints = NO_HINTS
) -> Iterator[DeckRow]:
    """The deck's rates; raises BadDeck for a file that is no such deck."""
    _, rows = read_sheet(raw, REQUIRED, hints=hints)
    return rates_of(rows, lambda row: _rates(row, hints))


def _rates(row: SheetRow, hints: Hints) -> Iterator[DeckRow]:
    cells = row.cells
    read.nothing_in(cells, ["included seconds"], "a rate has no seconds for nothing")
    following = _increment(cells, "increment", 0)
    first = _increment(cells, "initial increment", following)
    # The dialled code is written as a pattern by its exporter: ^81.*
    code = {"code": cells["code"].removeprefix("^").removesuffix(".*")}
    for prefix in read.prefixes_of(code, "code"):
        yield RateIn(
            line=row.line,
            prefix=prefix,
            destination=read.text_cell(cells, "destination", 150),
            country=read.country_of_prefix(prefix),
            number_type="any",
            rate_per_minute=read.amount_cell(
                cells, "per minute cost", needed=True, hints=hints
            ),
            connect_fee=read.amount_cell(cells, "connect cost", hints=hints),
            interval_1=first or hints.interval_1,
            interval_n=following or hints.interval_n,
            unmapped=read.others(cells, KNOWN),
        )


def _increment(cells: read.Cells, name: str, default: int) -> int:
    if not cells.get(name, "").strip("0"):
        return default
    return read.seconds_cell(cells, name)

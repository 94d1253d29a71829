"""Call rates of a Yeastar PBX.

Name, Match Prefix, Number Length, Rate, Billable Unit(s), Initial Time(s), Initial
Cost. There the initial cost pays the initial time, then every unit costs the rate; here
a minute has a price and being answered a charge, which come to the same or are refused.
A number length is the longest number the rate is for.
"""

from collections.abc import Iterator

from calling.decks import cells as read
from calling.decks.record import NO_HINTS, BadCell, DeckRow, Hints, RateIn
from calling.decks.sheet import SheetRow, rates_of, read_sheet

REQUIRED = ("match prefix", "rate")
UNIT = ("billable unit(s)", "billing unit(s)", "billing unit (s)", "billable unit")
TIME = ("initial time(s)", "initial time (s)", "initial time")
KNOWN = frozenset(
    {*REQUIRED, *UNIT, *TIME, "name", "number length", "initial cost", "country"}
)
LONGEST_NUMBER = 15


def parse(
    raw: bytes, currency: str, purpose: str, hints: Hints = NO_HINTS
) -> Iterator[DeckRow]:
    """The deck's rates; raises BadDeck for a file that is no such deck."""
    _, rows = read_sheet(raw, REQUIRED, hints=hints)
    return rates_of(rows, lambda row: _rates(row, hints))


def _rates(row: SheetRow, hints: Hints) -> Iterator[DeckRow]:
    cells = row.cells
    unit = read.seconds_cell(cells, _named(cells, UNIT), hints.interval_n)
    per_unit = read.amount_cell(cells, "rate", needed=True, hints=hints)
    if per_unit * 60 % unit:
        raise BadCell(f"rate for {unit} seconds has no exact price per minute.")
    per_minute = per_unit * 60 // unit
    first, fee = _beginning(cells, unit, per_minute, hints)
    for prefix in read.prefixes_of(cells, "match prefix"):
        yield RateIn(
            line=row.line,
            prefix=prefix,
            destination=read.text_cell(cells, "name", 150),
            country=read.country_of_prefix(prefix),
            number_type="any",
            rate_per_minute=per_minute,
            connect_fee=fee,
            interval_1=first,
            interval_n=unit,
            longest_number=_longest(cells, prefix),
            unmapped=read.others(cells, KNOWN),
        )


def _named(cells: read.Cells, names: tuple[str, ...]) -> str:
    return next((name for name in names if name in cells), names[0])


def _beginning(
    cells: read.Cells, unit: int, per_minute: int, hints: Hints
) -> tuple[int, int]:
    """The first interval, and what is charged beyond its minutes for being answered."""
    cost = read.amount_cell(cells, "initial cost", hints=hints)
    name = _named(cells, TIME)
    if not cells.get(name, "").strip("0"):
        return unit, cost
    first = read.seconds_cell(cells, name)
    return first, read.charge_beyond(cost, first, per_minute)


def _longest(cells: read.Cells, prefix: str) -> int | None:
    text = cells.get("number length", "")
    if not text.strip("0"):
        return None
    # It counts what is dialled: the 00 that the prefix is written with, too.
    dialled = cells["match prefix"].split("|")[0].strip().removeprefix("+")
    added = 2 if dialled.startswith("00") else 0
    longest = int(text) - added if text.isdecimal() and len(text) < 3 else 0
    if longest < len(prefix):
        raise BadCell(f"number length {text[:30]} is no length of such a number.")
    return longest if longest < LONGEST_NUMBER else None

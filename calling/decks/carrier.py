"""A sheet as carriers mail it: one row per destination, area codes in one cell.

Destination, Country Code, Area codes "70,80,90-93", Rate, Effective Date, Min/Inc
"60/60", Change. Names differ from carrier to carrier: usual ones are known, others come
from the supplier's saved mapping. Dates are in the sheet's own zone. Change is a hint;
our own comparison decides what is dearer. C closes a prefix and B blocks it.
"""

import re
from collections.abc import Iterator, Sequence

from calling.decks import cells as read
from calling.decks.record import NO_HINTS, BadCell, BadDeck, DeckRow, Hints, RateIn
from calling.decks.sheet import SheetRow, rates_of, read_sheet

# Ours → the names it is known by, the first found wins.
NAMES: dict[str, tuple[str, ...]] = {
    "destination": ("destination", "destination name", "description", "area name"),
    "country_code": ("country code", "cc", "code", "dial code", "prefix"),
    "area_codes": (
        "city/area codes",
        "area codes",
        "city codes",
        "area code",
        "city code",
        "breakout codes",
    ),
    "rate": ("rate", "rate per minute", "price", "price / min", "new rate"),
    "connect_fee": ("connection fee", "connect fee", "setup fee", "fixed fee"),
    "effective_date": ("effective date", "effective from", "effective", "valid from"),
    "steps": ("min/inc", "min / inc", "increment", "increments", "billing cycle"),
    "change": ("change", "status", "change type"),
    "country": ("country", "iso", "iso country"),
    "number_type": ("number type", "type"),
}
NEEDED = ("destination", "country_code", "rate")
CHANGES = {
    "": "",
    "i": "i",
    "increase": "i",
    "d": "d",
    "decrease": "d",
    "n": "n",
    "new": "n",
    "s": "s",
    "same": "s",
    "unchanged": "s",
    "no change": "s",
    "c": "c",
    "closed": "c",
    "deleted": "c",
    "b": "b",
    "blocked": "b",
}


def parse(
    raw: bytes, currency: str, purpose: str, hints: Hints = NO_HINTS
) -> Iterator[DeckRow]:
    """The deck's rates; raises BadDeck for a file that is no such deck."""
    found, rows = read_sheet(raw, (), hints=hints)
    columns = columns_of(found, hints)
    for ours in NEEDED:
        if ours not in columns:
            told = hints.columns.get(ours) or " or ".join(NAMES[ours][:3])
            raise BadDeck(f"There is no column {told}; map the sheet's columns first.")
    known = frozenset(columns.values())
    return rates_of(rows, lambda row: _rates(row, columns, known, hints))


def columns_of(names: Sequence[str], hints: Hints) -> dict[str, str]:
    """Ours → the sheet's own; what the supplier's mapping names comes first."""
    columns: dict[str, str] = {}
    for ours, usual in NAMES.items():
        told = hints.columns.get(ours, "").strip().lower()
        wanted = (told,) if told else usual
        found = next((name for name in wanted if name in names), "")
        if found and found not in columns.values():
            columns[ours] = found
    return columns


def _rates(
    row: SheetRow, columns: dict[str, str], known: frozenset[str], hints: Hints
) -> Iterator[DeckRow]:
    cells = {ours: row.cells.get(theirs, "") for ours, theirs in columns.items()}
    change = _change(cells)
    first, following = read.steps_cell(
        cells, "steps", (hints.interval_1, hints.interval_n)
    )
    is_gone = change in {"b", "c"}
    unmapped = read.others(row.cells, known) or {}
    if cells.get("change"):
        unmapped["change"] = cells["change"]
    for prefix in prefixes_of(cells):
        yield RateIn(
            line=row.line,
            prefix=prefix,
            destination=read.text_cell(cells, "destination", 150),
            country=_country(cells) or read.country_of_prefix(prefix),
            number_type=read.number_type_cell(cells, "number_type"),
            rate_per_minute=read.amount_cell(
                cells, "rate", needed=not is_gone, hints=hints
            ),
            connect_fee=read.amount_cell(cells, "connect_fee", hints=hints),
            interval_1=first,
            interval_n=following,
            is_blocked=change == "b",
            is_closed=change == "c",
            valid_from=read.local_time_cell(cells, "effective_date", hints),
            unmapped=unmapped or None,
        )


def _change(cells: read.Cells) -> str:
    told = cells.get("change", "").lower()
    if told not in CHANGES:
        raise BadCell(f"change {told[:30]} is not known.")
    return CHANGES[told]


def _country(cells: read.Cells) -> str:
    """Only where the sheet has the two letters; many write the country's name."""
    told = cells.get("country", "")
    return told.upper() if re.fullmatch("[A-Za-z]{2}", told) else ""


def prefixes_of(cells: read.Cells) -> Iterator[str]:
    """The country's code joined with each area code, ranges expanded."""
    code = re.sub(r"(?<=^1)-(?=\d{3}$)", "", cells["country_code"].removeprefix("+"))
    areas = re.sub(r"\s*-\s*", "-", cells.get("area_codes", ""))
    if not areas:
        yield from read.prefixes_of({"country code": code}, "country code")
        return
    heads = list(read.prefixes_of({"country code": code}, "country code"))
    if len(heads) != 1:
        raise BadCell("country code is more than one, beside area codes.")
    joined = "|".join(
        _joined(heads[0], part) for part in re.split(r"[,;|\s]+", areas) if part
    )
    yield from read.prefixes_of({"area codes": joined}, "area codes")


def _joined(head: str, part: str) -> str:
    if re.fullmatch(r"\d{1,14}", part):
        return head + part
    if span := re.fullmatch(r"(\d{1,14})-(\d{1,14})", part):
        return f"{head}{span[1]}-{head}{span[2]}"
    read.refuse_damage("area codes", part)
    raise BadCell(f"area codes {part[:30]} is not an area code.")

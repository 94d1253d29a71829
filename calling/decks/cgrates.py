"""A tariff plan of CGRateS: a ZIP, or a folder, of its sheets.

Destinations, Rates, DestinationRates and RatingPlans; RatingProfiles tells which plan
where there are several, Timings which names mean always. Durations have their unit, a
price is normalised to the minute, and two groups of a rate are first and following
interval. Refused: other rounding than *middle, largest costs, other times than always,
three groups, and a first step cheaper than those after it.
"""

import re
from collections.abc import Iterator, Sequence

from calling.decks import cells as read
from calling.decks.record import (
    NO_HINTS,
    BadCell,
    BadDeck,
    DeckError,
    DeckRow,
    Hints,
    RateIn,
)
from calling.decks.sheet import SheetRow, read_sheet
from calling.decks.zip_of_sheets import sheets_in
from credits.money import Micros

COLUMNS: dict[str, tuple[str, ...]] = {
    "Destinations.csv": ("id", "prefix"),
    "Rates.csv": (
        "id",
        "connectfee",
        "rate",
        "rateunit",
        "rateincrement",
        "groupintervalstart",
    ),
    "DestinationRates.csv": (
        "id",
        "destinationid",
        "ratestag",
        "roundingmethod",
        "roundingdecimals",
        "maxcost",
        "maxcoststrategy",
    ),
    "RatingPlans.csv": ("id", "destinationratesid", "timingtag", "weight"),
    "RatingProfiles.csv": (
        "tenant",
        "category",
        "subject",
        "activationtime",
        "ratingplanid",
        "ratesfallbacksubject",
    ),
    "Timings.csv": ("id", "years", "months", "monthdays", "weekdays", "time"),
}
OPTIONAL = {"RatingProfiles.csv", "Timings.csv"}
ANY = "*any"
_DURATION = re.compile(r"(?:(\d{1,3})h)?(?:(\d{1,4})m)?(?:(\d{1,5})s)?")


def parse(
    raw: bytes, currency: str, purpose: str, hints: Hints = NO_HINTS
) -> Iterator[DeckRow]:
    """The plan's rates; raises BadDeck for a ZIP that is no tariff plan."""
    found = sheets_in(raw, COLUMNS.keys())
    for name in COLUMNS:
        if name not in found and name not in OPTIONAL:
            raise BadDeck(f"The ZIP has no {name}.")
    return _Tariff(found, hints).rates()


class _Tariff:
    """The sheets of one plan, by the names that join them."""

    def __init__(self, found: dict[str, bytes], hints: Hints) -> None:
        self.errors: list[DeckError] = []
        self.hints = hints
        self.sheets = {
            name: list(self._rows(name, found.get(name, b""))) for name in COLUMNS
        }
        self.prefixes = self._by_id("Destinations.csv")
        self.groups = self._by_id("Rates.csv")
        self.destination_rates = self._by_id("DestinationRates.csv")
        self.plan = self._only_plan()

    def rates(self) -> Iterator[DeckRow]:
        yield from self.errors
        always = {ANY} | {
            row.cells["id"] for row in self.sheets["Timings.csv"] if _is_always(row)
        }
        for row in self.sheets["RatingPlans.csv"]:
            if row.cells["id"] != self.plan:
                continue
            timing, rates = row.cells["timingtag"], row.cells["destinationratesid"]
            if timing not in always:
                yield _error(row, "RatingPlans.csv", f"timing {timing} is not {ANY}.")
            elif rates not in self.destination_rates:
                yield _error(row, "RatingPlans.csv", f"there are no rates {rates}.")
            else:
                for one in self.destination_rates[rates]:
                    yield from self._priced(one)

    def _priced(self, row: SheetRow) -> Iterator[DeckRow]:
        try:
            price = self._price(row)
        except BadCell as problem:
            yield _error(row, "DestinationRates.csv", str(problem))
            return
        named = row.cells["destinationid"]
        if named not in self.prefixes:
            reason = f"destination {named[:50]} has no prefixes."
            yield _error(row, "DestinationRates.csv", reason)
        for one in self.prefixes.get(named, ()):
            try:
                yield from list(_rates(one, *price))
            except BadCell as problem:
                yield _error(one, "Destinations.csv", str(problem))

    def _price(self, row: SheetRow) -> tuple[Micros, Micros, int, int]:
        """Price per minute, connection charge, first and following interval."""
        rounding = row.cells["roundingmethod"]
        if rounding != "*middle":
            raise BadCell(f"rounding {rounding[:20]} is not *middle.")
        read.nothing_in(row.cells, ["maxcost"], "a call may cost what it costs")
        tag = row.cells["ratestag"]
        try:
            return _price_of(self.groups.get(tag, ()), self.hints)
        except BadCell as problem:
            raise BadCell(f"rates {tag[:50]}: {problem}") from None

    def _only_plan(self) -> str:
        plans = {row.cells["id"] for row in self.sheets["RatingPlans.csv"]}
        named = {row.cells["ratingplanid"] for row in self.sheets["RatingProfiles.csv"]}
        chosen = {self.hints.plan} if self.hints.plan else plans
        if len(chosen) > 1 and len(plans & named) == 1:
            chosen = plans & named
        if len(chosen & plans) != 1:
            told = ", ".join(sorted(plans)[:10]) or "none"
            raise BadDeck(f"Name one of the rating plans of this file: {told}.")
        return chosen.pop()

    def _rows(self, name: str, raw: bytes) -> Iterator[SheetRow]:
        """The header is a comment there, and may be missing: the order is fixed."""
        names = COLUMNS[name]
        if not raw.strip():
            return
        first = raw.lstrip().split(b"\n")[0].decode("utf-8", "replace").lower()
        if first.startswith("#") and names[0] in first.strip("#\r").split(","):
            raw = raw.replace(b"#", b"", 1)
        _, rows = read_sheet(raw, names, hints=self.hints, comment="#", names=names)
        for row in rows:
            if isinstance(row, DeckError):
                self.errors.append(row._replace(reason=f"{name}: {row.reason}"))
            else:
                yield row

    def _by_id(self, name: str) -> dict[str, list[SheetRow]]:
        found: dict[str, list[SheetRow]] = {}
        for row in self.sheets[name]:
            found.setdefault(row.cells["id"], []).append(row)
        return found


def _rates(
    row: SheetRow, per_minute: Micros, fee: Micros, first: int, following: int
) -> Iterator[RateIn]:
    for prefix in read.prefixes_of(row.cells, "prefix"):
        yield RateIn(
            line=row.line,
            prefix=prefix,
            destination=read.text_cell(row.cells, "id", 150),
            country=read.country_of_prefix(prefix),
            number_type="any",
            rate_per_minute=per_minute,
            connect_fee=fee,
            interval_1=first,
            interval_n=following,
        )


def _price_of(
    rows: Sequence[SheetRow], hints: Hints
) -> tuple[Micros, Micros, int, int]:
    if not 1 <= len(rows) <= 2:
        raise BadCell(f"a rate has one or two groups, not {len(rows)}.")
    groups = sorted(
        (row.cells for row in rows),
        key=lambda cells: _seconds(cells, "groupintervalstart"),
    )
    opening, later = groups[0], groups[-1]
    first = _seconds(opening, "rateincrement")
    following = _seconds(later, "rateincrement")
    if _seconds(opening, "groupintervalstart"):
        raise BadCell("the first group does not start at 0s.")
    if not (first and following):
        raise BadCell("an increment of no seconds never ends.")
    fee = read.amount_cell(opening, "connectfee", hints=hints)
    per_minute = _per_minute(later, hints)
    if len(groups) == 1:
        return per_minute, fee, first, following
    if _seconds(later, "groupintervalstart") != first:
        raise BadCell("the second group does not start where the first step ends.")
    read.nothing_in(later, ["connectfee"], "being answered happens once")
    at_first = _per_minute(opening, hints)
    if at_first * first % 60:
        raise BadCell("the first step has no exact price.")
    cost = fee + at_first * first // 60
    return per_minute, read.charge_beyond(cost, first, per_minute), first, following


def _per_minute(cells: read.Cells, hints: Hints) -> Micros:
    unit = _seconds(cells, "rateunit")
    amount = read.amount_cell(cells, "rate", needed=True, hints=hints)
    if not unit or amount * 60 % unit:
        raise BadCell(f"a rate for {unit} seconds has no exact price per minute.")
    return amount * 60 // unit


def _seconds(cells: read.Cells, name: str) -> int:
    text = cells[name].replace("*", "")
    found = _DURATION.fullmatch(text)
    if text == "0":
        return 0
    if not text or found is None:
        raise BadCell(f"{name} {text[:20] or '(empty)'} is not a duration such as 60s.")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds


def _is_always(row: SheetRow) -> bool:
    dates = {row.cells[name] for name in ("years", "months", "monthdays", "weekdays")}
    return dates == {ANY} and row.cells["time"] in {"00:00:00", ANY, ""}


def _error(row: SheetRow, name: str, reason: str) -> DeckError:
    return DeckError(row.line, f"{name}: {reason}", row.body[:2000])

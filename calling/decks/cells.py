"""Reads the cells of a deck: the right type, or a sentence that names the column."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError

from calling.decks.record import NO_HINTS, BadCell, Hints
from calling.models import NumberType
from calling.regions import country_of
from credits.money import MICROS_PER_UNIT, Micros, to_micros

Cells = Mapping[str, str]
MOST_PREFIXES = 10_000  # of one row
HIGHEST = 1_000_000 * MICROS_PER_UNIT
LONGEST_INTERVAL = 86_400
_PREFIX = re.compile(r"[1-9]\d{0,14}")
_RANGE = re.compile(r"([1-9]\d{0,14})-([1-9]\d{0,14})")
_EXPONENT = re.compile(r"\d+([.,]\d+)?E[+-]?\d+", re.IGNORECASE)
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{1,2}-[A-Za-z]{3}")
_STEPS = re.compile(r"(\d{1,6})(?:\s*[/+]\s*(\d{1,6}))?")
_YES, _NO = {"1", "true", "yes", "y"}, {"", "0", "false", "no", "n"}


def prefixes_of(cells: Cells, name: str) -> Iterator[str]:
    """The prefixes of a cell: one, a list with bars, ranges such as 90-93."""
    count = 0
    for part in cells[name].split("|"):
        for prefix in _expanded(part.strip(), name):
            count += 1
            if count > MOST_PREFIXES:
                raise BadCell(f"{name} stands for more than {MOST_PREFIXES:,} of them.")
            yield prefix


def _expanded(part: str, name: str) -> Iterator[str]:
    digits = part.removeprefix("+").removeprefix("00")
    span = _RANGE.fullmatch(digits)
    if _PREFIX.fullmatch(digits):
        yield digits
    elif span and len(span[1]) == len(span[2]) and span[1] <= span[2]:
        width = len(span[1])
        for number in range(int(span[1]), int(span[2]) + 1):
            yield f"{number:0{width}d}"
    elif not digits:
        raise BadCell(f"{name} is missing.")
    elif digits.isdecimal() and digits[0] == "0":
        raise BadCell(f"{name} {part[:30]} has no country code.")
    else:
        refuse_damage(name, part)
        raise BadCell(f"{name} {part[:30]} is not a prefix of digits.")


def refuse_damage(name: str, text: str) -> None:
    """Raises for what a spreadsheet makes of digits: 8.1E+02, 12-Mar, a date."""
    if _EXPONENT.fullmatch(text) or _DATE.fullmatch(text):
        raise BadCell(
            f"{name} {text[:30]} was changed by a spreadsheet; use text cells."
        )


def text_cell(cells: Cells, name: str, longest: int) -> str:
    text = cells.get(name, "")
    if not text:
        raise BadCell(f"{name} is missing.")
    if len(text) > longest:
        raise BadCell(f"{name} is longer than {longest} characters.")
    return text


def amount_cell(
    cells: Cells, name: str, *, needed: bool = False, hints: Hints = NO_HINTS
) -> Micros:
    """An amount in units of the deck's currency, exact to six places."""
    told = cells.get(name, "").removeprefix("$")
    text = told.replace(",", ".") if hints.decimal_comma else told
    if not text and not needed:
        return 0
    if not re.fullmatch(r"\d{0,12}\.\d{1,12}|\d{1,12}", text):
        raise BadCell(
            f"{name} {told[:30] or '(empty)'} is not an amount such as 0.0210."
        )
    amount = Decimal(text).scaleb(-2) if hints.in_cents else Decimal(text)
    try:
        micros = to_micros(amount)
    except ValidationError:
        raise BadCell(f"{name} {told} has more than six decimal places.") from None
    if micros > HIGHEST:
        raise BadCell(f"{name} {told} is too high to be meant.")
    return micros


def nothing_in(cells: Cells, names: Iterable[str], why: str) -> None:
    """Refuses a row that uses what a rate cannot say; a zero is as good as nothing."""
    for name in names:
        text = cells.get(name, "")
        if text and not re.fullmatch(r"0*[.,]?0*", text):
            raise BadCell(f"{name} {text[:30]} cannot be kept: {why}.")


def others(cells: Cells, known: Collection[str]) -> dict[str, str] | None:
    """The columns that have no meaning here, kept as text beside the rate."""
    kept = {name: text for name, text in cells.items() if text and name not in known}
    return kept or None


def country_of_prefix(prefix: str) -> str:
    """For decks that do not name it; a prefix of several countries has none."""
    return country_of(f"+{prefix}")


def steps_cell(cells: Cells, name: str, default: tuple[int, int]) -> tuple[int, int]:
    """First and following interval of a cell such as 60/60, 30/6 or 60."""
    text = cells.get(name, "")
    if not text:
        return default
    found = _STEPS.fullmatch(text)
    if found is None:
        refuse_damage(name, text)
        raise BadCell(f"{name} {text[:30]} is not a pair of intervals such as 60/60.")
    first, following = ({name: part} for part in (found[1], found[2] or found[1]))
    return seconds_cell(first, name), seconds_cell(following, name)


def charge_beyond(cost: Micros, seconds: int, per_minute: Micros) -> Micros:
    """The connection charge of a call whose first seconds cost so much together.

    Elsewhere the first step may have a price of its own; here it has that of every
    minute, and the difference is charged for being answered. The sums are the same.
    """
    if seconds * per_minute % 60:
        raise BadCell(f"the first {seconds} seconds have no exact price at this rate.")
    charge = cost - seconds * per_minute // 60
    if charge < 0:
        raise BadCell(
            f"the first {seconds} seconds cost less than the rate says of them."
        )
    return charge


def seconds_cell(cells: Cells, name: str, default: int = 60) -> int:
    text = cells.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or not 1 <= int(text[:9]) <= LONGEST_INTERVAL:
        raise BadCell(f"{name} {text[:30]} is not a number of seconds.")
    return int(text)


def yes_cell(cells: Cells, name: str) -> bool:
    text = cells.get(name, "").lower()
    if text not in _YES | _NO:
        raise BadCell(f"{name} {text[:30]} is neither 0 nor 1.")
    return text in _YES


def country_cell(cells: Cells, name: str) -> str:
    text = cells.get(name, "").upper()
    if text and not re.fullmatch("[A-Z]{2}", text):
        raise BadCell(f"{name} {text[:30]} is not a country code of two letters.")
    return text


def number_type_cell(cells: Cells, name: str) -> str:
    text = cells.get(name, "").lower() or NumberType.ANY.value
    if text not in NumberType.values:
        raise BadCell(f"{name} {text[:30]} is not one of {', '.join(NumberType)}.")
    return text


def time_cell(cells: Cells, name: str) -> datetime | None:
    text = cells.get(name, "")
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or not 1990 < found.year < 2200:
        raise BadCell(f"{name} {text[:30]} is not a time such as 2026-12-01T00:00:00Z.")
    return found.astimezone(UTC)


def local_time_cell(cells: Cells, name: str, hints: Hints) -> datetime | None:
    """A date or time where the sheet was written, as an instant."""
    text = cells.get(name, "")
    if not text or text.startswith("0000-00-00"):
        return None
    try:
        found = (
            datetime.strptime(text, hints.date_format)  # noqa: DTZ007  # zone below
            if hints.date_format
            else datetime.fromisoformat(text)
        )
    except ValueError:
        raise BadCell(
            f"{name} {text[:30]} is not a date such as 2026-12-01;"
            " say how the sheet writes dates."
        ) from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=ZoneInfo(hints.time_zone))
    if not 1990 < found.year < 2200:
        raise BadCell(f"{name} {text[:30]} is not a date that can be meant.")
    return found.astimezone(UTC)

"""Reads the cells of a deck: the right type, or a sentence that names the column."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from django.core.exceptions import ValidationError

from calling.decks.record import BadCell
from calling.models import NumberType
from credits.money import MICROS_PER_UNIT, Micros, to_micros

Cells = Mapping[str, str]
MOST_PREFIXES = 10_000  # of one row
HIGHEST = 1_000_000 * MICROS_PER_UNIT
LONGEST_INTERVAL = 86_400
_PREFIX = re.compile(r"[1-9]\d{0,14}")
_RANGE = re.compile(r"([1-9]\d{0,14})-([1-9]\d{0,14})")
_EXPONENT = re.compile(r"\d+([.,]\d+)?E[+-]?\d+", re.IGNORECASE)
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{1,2}-[A-Za-z]{3}")
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
    elif _EXPONENT.fullmatch(digits) or _DATE.fullmatch(digits):
        raise BadCell(f"{name} {part} was changed by a spreadsheet; use text cells.")
    elif not digits:
        raise BadCell(f"{name} is missing.")
    elif digits.isdecimal() and digits[0] == "0":
        raise BadCell(f"{name} {part[:30]} has no country code.")
    else:
        raise BadCell(f"{name} {part[:30]} is not a prefix of digits.")


def text_cell(cells: Cells, name: str, longest: int) -> str:
    text = cells.get(name, "")
    if not text:
        raise BadCell(f"{name} is missing.")
    if len(text) > longest:
        raise BadCell(f"{name} is longer than {longest} characters.")
    return text


def amount_cell(cells: Cells, name: str, *, needed: bool = False) -> Micros:
    """An amount in units of the deck's currency, exact to six places."""
    text = cells.get(name, "").removeprefix("$")
    if not text and not needed:
        return 0
    if not re.fullmatch(r"\d{1,12}(\.\d{1,12})?", text):
        what = text[:30] or "(empty)"
        raise BadCell(f"{name} {what} is not an amount such as 0.0210.")
    try:
        micros = to_micros(text)
    except ValidationError:
        raise BadCell(f"{name} {text} has more than six decimal places.") from None
    if micros > HIGHEST:
        raise BadCell(f"{name} {text} is too high to be meant.")
    return micros


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

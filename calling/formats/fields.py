"""Reads a document's fields: the right type, or a sentence that names the field."""

from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal, InvalidOperation

from calling.formats.record import BadRow, Fields

EARLIEST, LATEST = 1990, 2200


def text_of(fields: Fields, name: str, longest: int) -> str:
    """A text of at most so many characters, or '' where there is none."""
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadRow(f"{name} must be a text.")
    if len(value) > longest:
        raise BadRow(f"{name} is longer than {longest} characters.")
    if not value.isascii():
        refuse_half_characters(name, value)
    return value


def required_text(fields: Fields, name: str, longest: int) -> str:
    value = text_of(fields, name, longest)
    if not value.strip():
        raise BadRow(f"{name} is missing.")
    return value


def time_of(fields: Fields, name: str) -> datetime | None:
    """An instant in UTC; its text must name a zone."""
    value = fields.get(name)
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise BadRow(f"{name} is not a time such as 2026-11-22T02:00:06Z.") from None
    if found.tzinfo is None:
        raise BadRow(f"{name} has no time zone.")
    if not EARLIEST < found.year < LATEST:
        raise BadRow(f"{name} is not a plausible time.")
    return found if found.tzinfo is UTC else found.astimezone(UTC)


def seconds_of(fields: Fields, name: str) -> int | None:
    """Whole seconds, rounded up; never negative."""
    value = fields.get(name)
    if value is None or (type(value) is int and 0 <= value < 10**9):
        return value
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise BadRow(f"{name} must be a number of seconds.")
    try:
        seconds = Decimal(value)
    except InvalidOperation:
        raise BadRow(f"{name} must be a number of seconds.") from None
    if not seconds.is_finite() or seconds >= 10**9:
        raise BadRow(f"{name} must be a number of seconds.")
    if seconds < 0:
        raise BadRow(f"{name} is negative.")
    return int(seconds.to_integral_value(ROUND_CEILING))


def seconds_between(start: datetime, end: datetime) -> int:
    """Whole seconds, rounded up; negative when the clock ran backwards."""
    passed = end - start
    return passed.days * 86_400 + passed.seconds + (passed.microseconds > 0)


def refuse_half_characters(name: str, value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadRow(f"{name} has half a character in it.") from None

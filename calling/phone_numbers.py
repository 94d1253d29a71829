"""Reads telephone numbers as switches write them (TELEPHONY in docs/switches).

A pure function of the text and the source's profile. Nothing is repaired by guessing: a
number that cannot be understood stays as received, and its record waits.
"""

import re
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

import phonenumbers

from calling.emergency import is_emergency

_E164 = re.compile(r"\+[1-9]\d{7,14}$")
_SCHEME = re.compile(r"(?:sips?|tel):", re.IGNORECASE)
_PUNCTUATION = str.maketrans("", "", " -.()/\u00a0\t")
_NAMELESS = frozenset(
    ("", "anonymous", "unavailable", "restricted", "private", "unknown")
)


class Reading(StrEnum):
    """How a number was understood."""

    E164 = "e164"
    ANONYMOUS = "anonymous"
    EMERGENCY = "emergency"
    MASKED = "masked"
    NOT_E164 = "not_e164"


class Number(NamedTuple):
    """`e164` is `+` and digits; of a masked number only the digits that are seen."""

    e164: str | None
    reading: Reading


def read_number(
    raw: str, home_country: str, rewrite_rules: Sequence[tuple[str, str]] = ()
) -> Number:
    """The number a text stands for, seen from the source's home country."""
    if not rewrite_rules and _E164.match(raw):
        return Number(raw, Reading.E164)
    return _read(raw, home_country, tuple(rewrite_rules))


@lru_cache(maxsize=50_000)
def _read(raw: str, country: str, rules: tuple[tuple[str, str], ...]) -> Number:
    text = bare_number(raw)
    if text.lower() in _NAMELESS:
        return Number(None, Reading.ANONYMOUS)
    if is_emergency(text.removeprefix("+"), country):
        return Number(None, Reading.EMERGENCY)
    text = _rewritten(text, rules)
    seen, star, _ = text.partition("*")
    if star:
        return _masked(seen)
    if _E164.match(text):
        return Number(text, Reading.E164)
    return _by_number_plan(text, country)


def bare_number(raw: str) -> str:
    """The digits of a number as dialled, without scheme, host and punctuation."""
    text = unquote(raw).strip()
    text = _SCHEME.sub("", text, count=1) if _SCHEME.match(text) else text
    return re.split("[;@]", text, maxsplit=1)[0].translate(_PUNCTUATION)


def _rewritten(text: str, rules: tuple[tuple[str, str], ...]) -> str:
    for old, new in rules:
        if text.startswith(old):
            return new + text[len(old) :]
    return text


def _masked(seen: str) -> Number:
    if re.fullmatch(r"\+[1-9]\d{2,14}", seen):
        return Number(seen, Reading.MASKED)
    return Number(None, Reading.NOT_E164)


def _by_number_plan(text: str, country: str) -> Number:
    """Short numbers with a plus, and national ones of the home country."""
    if not re.fullmatch(r"\+?\d{3,20}", text):
        return Number(None, Reading.NOT_E164)
    try:
        parsed = phonenumbers.parse(text, None if text[0] == "+" else country)
    except phonenumbers.NumberParseException:
        return Number(None, Reading.NOT_E164)
    fits = phonenumbers.is_possible_number if text[0] == "+" else _is_valid
    if not fits(parsed):
        return Number(None, Reading.NOT_E164)
    return Number(
        phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164),
        Reading.E164,
    )


@lru_cache(maxsize=50_000)
def is_toll_free(number: str) -> bool:
    """Whether an E.164 number lies in a toll-free range of its country."""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return False
    return bool(
        phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.TOLL_FREE
    )


def _is_valid(number: phonenumbers.PhoneNumber) -> bool:
    return bool(phonenumbers.is_valid_number(number))

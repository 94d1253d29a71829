"""Whole minor units of an invoice's currency as exact money."""

from credits.money import Micros, currency_of


def micros_of(minor: int, currency: str) -> Micros:
    """`1234` cents → 12_340_000; `1234` yen → 1_234_000_000."""
    return minor * currency_of(currency).micros_per_minor


def minor_of(micros: Micros, currency: str) -> int:
    """The other way; an amount between two minor units is a bug of the caller."""
    whole, rest = divmod(micros, currency_of(currency).micros_per_minor)
    if rest:
        raise AssertionError(f"{micros} micros of {currency} are no minor units.")
    return whole

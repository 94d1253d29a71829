"""Stripe's whole numbers to exact money and back; nobody else knows its units."""

from credits.money import Micros, currency_of


def to_stripe_amount(amount: Micros, currency: str) -> int:
    """`12_340_000` micros of a dollar → 1234. An amount Stripe cannot say is a bug."""
    whole, rest = divmod(amount, _micros_per_unit(currency))
    if rest:
        raise AssertionError(f"Stripe cannot charge {amount} micros of {currency}.")
    return whole


def from_stripe_amount(amount: int, currency: str) -> Micros:
    return amount * _micros_per_unit(currency)


def _micros_per_unit(currency: str) -> Micros:
    return int(10 ** (6 - currency_of(currency).stripe_places))

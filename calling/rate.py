"""What a call costs: the one place where a call's amount is rounded (rule 6.2).

Pure: no database, no clock, no settings. Quote, authorisation and settlement all call
`rate_call`, so they cannot differ.
"""

from typing import NamedTuple

from credits.money import Micros, round_half_up


class RateView(NamedTuple):
    """What pricing needs to know of a rate; light, since a card has 150,000 of them."""

    prefix: str
    destination: str
    country: str
    number_type: str
    rate_per_minute: Micros
    connect_fee: Micros
    interval_1: int
    interval_n: int
    minimum_charge: Micros
    is_blocked: bool


class RatedCall(NamedTuple):
    """A call with its price, before anyone paid."""

    rate: RateView
    billed_seconds: int
    amount: Micros


def billed_seconds(seconds: int, interval_1: int, interval_n: int) -> int:
    """Whole intervals: the first at least, then as many following ones as begun."""
    beyond = seconds - interval_1
    if beyond <= 0:
        return interval_1
    return interval_1 - (-beyond // interval_n) * interval_n


def rate_call(rate: RateView, seconds: int) -> RatedCall:
    """The price of an answered call of so many whole seconds."""
    billed = billed_seconds(seconds, rate.interval_1, rate.interval_n)
    exact = 60 * rate.connect_fee + billed * rate.rate_per_minute
    amount = round_half_up(exact, 60)
    least = rate.minimum_charge
    priced = (rate, billed, amount if amount > least else least)
    return tuple.__new__(RatedCall, priced)  # half of what RatedCall(…) takes

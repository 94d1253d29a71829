"""How long a call may last for so much money and so many plan minutes (rule 9.1).

Pure integer arithmetic on the same `rate_call` that charges (rule 6.2).
"""

from typing import NamedTuple

from calling.allocate import pool_amount, pool_seconds
from calling.rate import RatedCall, RateView, rate_call
from credits.money import Micros


class Grant(NamedTuple):
    """Seconds in all from the answer, and what they set aside."""

    seconds: int
    amount: Micros
    pool_seconds: int


def seconds_for(rate: RateView, money: Micros, longest: int) -> int:
    """The most seconds, in whole intervals, that cost at most so much; 0 for none."""
    if money < rate_call(rate, rate.interval_1).amount:
        return 0
    if not rate.rate_per_minute:
        return longest
    most = 60 * (money - rate.connect_fee) // rate.rate_per_minute
    more = max(0, most - rate.interval_1) // rate.interval_n * rate.interval_n
    return min(longest, rate.interval_1 + more)


def grant_of(
    rate: RateView, wanted: int, pool_free: int, money: Micros | None
) -> Grant | None:
    """The longest grant up to `wanted` seconds; None where not even an interval fits.

    `pool_free` are seconds of the pool that would pay, 0 without one. `money` is what
    may be spent beyond it, None for as much as it takes.
    """
    whole = rate_call(rate, wanted)
    drawn = pool_seconds(whole, pool_free)
    if drawn == whole.billed_seconds:
        return Grant(wanted, 0, drawn)
    cost = cost_beyond(whole, drawn)
    if money is None or cost <= max(money, 0):
        return Grant(wanted, cost, drawn)
    value = pool_amount(whole, drawn)
    fits = seconds_for(rate, money + value, wanted) if money > 0 else 0
    if fits > drawn:
        return Grant(fits, cost_beyond(rate_call(rate, fits), drawn), drawn)
    return Grant(drawn, 0, drawn) if drawn else None


def cost_beyond(rated: RatedCall, drawn: int) -> Micros:
    """What is left to pay of a call when plan minutes pay so many seconds of it."""
    return rated.amount - pool_amount(rated, drawn)


def first_cost(rate: RateView, pool_free: int) -> Micros:
    """The least that must be there: the first interval that no plan minutes pay."""
    drawn = pool_seconds(rate_call(rate, 86_400), pool_free)
    following = drawn + rate.interval_n if drawn else rate.interval_1
    return cost_beyond(rate_call(rate, following), drawn)

"""The price of a call: whole intervals, rounded half-up once (rule 6.2)."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calling.rate import RateView, billed_seconds, rate_call


def rate(**more: object) -> RateView:
    facts: dict[str, object] = {
        "prefix": "81",
        "destination": "Japan",
        "country": "JP",
        "number_type": "fixed",
        "rate_per_minute": 21_000,
        "connect_fee": 0,
        "interval_1": 60,
        "interval_n": 60,
        "minimum_charge": 0,
        "is_blocked": False,
    }
    return RateView(**{**facts, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seconds", "first", "following", "billed"),
    [
        (0, 60, 60, 60),
        (1, 60, 60, 60),
        (60, 60, 60, 60),
        (61, 60, 60, 120),
        (30, 30, 6, 30),
        (31, 30, 6, 36),
        (123, 30, 6, 126),
        (7, 1, 1, 7),
        (86_400, 60, 60, 86_400),
    ],
)
def test_rule_6_2_seconds_round_up_to_intervals(
    seconds: int, first: int, following: int, billed: int
) -> None:
    assert billed_seconds(seconds, first, following) == billed


def test_b17_the_example_of_the_api_costs_what_it_says() -> None:
    """123 s at 0.11 a minute, 30/6: 126 s billed, 0.231000."""
    found = rate_call(rate(rate_per_minute=110_000, interval_1=30, interval_n=6), 123)
    assert (found.billed_seconds, found.amount) == (126, 231_000)


def test_the_fee_and_the_minimum_count() -> None:
    assert rate_call(rate(connect_fee=50_000), 60).amount == 71_000
    assert rate_call(rate(minimum_charge=80_000), 60).amount == 80_000
    assert rate_call(rate(minimum_charge=20_000), 60).amount == 21_000


def test_a_half_micro_rounds_up() -> None:
    assert rate_call(rate(rate_per_minute=1, interval_1=30), 30).amount == 1
    assert rate_call(rate(rate_per_minute=1, interval_1=29), 29).amount == 0


@given(
    seconds=st.integers(0, 86_400),
    first=st.integers(1, 120),
    following=st.integers(1, 120),
    price=st.integers(0, 10**9),
    fee=st.integers(0, 10**8),
    minimum=st.integers(0, 10**8),
)
def test_the_price_is_the_exact_one_rounded_once(
    *, seconds: int, first: int, following: int, price: int, fee: int, minimum: int
) -> None:
    found = rate_call(
        rate(
            rate_per_minute=price,
            connect_fee=fee,
            interval_1=first,
            interval_n=following,
            minimum_charge=minimum,
        ),
        seconds,
    )
    billed = found.billed_seconds
    assert billed >= max(seconds, first)
    assert billed - max(seconds, first) < following
    assert (billed - first) % following == 0
    exact = fee + Fraction(billed * price, 60)
    assert found.amount == max(minimum, int(exact + Fraction(1, 2)))

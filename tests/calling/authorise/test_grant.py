"""A grant is the longest that money and minutes cover, by what charges (rule 9.1)."""

from hypothesis import given
from hypothesis import strategies as st

from calling.allocate import pool_amount, pool_seconds
from calling.authorise.grant import first_cost, grant_of, seconds_for
from calling.rate import RateView, rate_call

amounts = st.integers(0, 3_000_000)
intervals = st.sampled_from([1, 6, 30, 60])
rates = st.builds(
    RateView,
    st.just("81"),
    st.just("Japan"),
    st.just("JP"),
    st.just("fixed"),
    amounts,
    st.integers(0, 500_000),
    intervals,
    intervals,
    st.integers(0, 500_000),
    st.just(False),
)
seconds = st.integers(1, 7_200)


@given(rates, st.integers(0, 20_000_000), seconds)
def test_money_covers_what_it_was_said_to_cover_and_no_more(
    rate: RateView, money: int, longest: int
) -> None:
    """6.2: by the function that charges; one interval more would cost more."""
    fits = seconds_for(rate, money, longest)
    if fits:
        assert rate_call(rate, fits).amount <= money or fits < rate.interval_1
    if fits < longest:
        more = fits + rate.interval_n if fits else rate.interval_1
        # Half a millionth is rounded for the customer's funds, never against them.
        assert rate_call(rate, more).amount >= money


@given(rates, seconds, st.integers(0, 10_000), st.integers(-100, 20_000_000))
def test_a_grant_holds_exactly_what_its_seconds_would_be_charged(
    rate: RateView, wanted: int, free: int, money: int
) -> None:
    """9.4: settled at its end, the call needs what was set aside, to the micro."""
    grant = grant_of(rate, wanted, free, money)
    if grant is None:
        assert pool_seconds(rate_call(rate, wanted), free) == 0
        assert max(money, 0) < first_cost(rate, free)
        return
    assert 0 < grant.seconds <= wanted
    rated = rate_call(rate, grant.seconds)
    drawn = pool_seconds(rated, free)
    assert drawn == grant.pool_seconds <= free
    assert grant.amount == rated.amount - pool_amount(rated, drawn)
    assert grant.amount <= max(money, 0)


@given(rates, seconds)
def test_without_any_limit_all_is_granted(rate: RateView, wanted: int) -> None:
    """9.5: NCE without a spending limit."""
    grant = grant_of(rate, wanted, 0, None)
    assert grant is not None
    assert grant.seconds == wanted

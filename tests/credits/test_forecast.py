"""How long the balance lasts, on numbers that can be followed by hand."""

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from credits.forecast import A_DAY, Funds, Pace, forecast, pace_of

TODAY = date(2026, 11, 22)  # a Sunday
UNIT = 1_000_000


def _even(spent: int, days: int = 28) -> Pace:
    return pace_of(
        {TODAY - n * A_DAY: spent for n in range(1, days + 1)},
        since=TODAY - days * A_DAY,
        today=TODAY,
    )


def test_fewer_than_seven_days_with_usage_give_no_forecast() -> None:
    spent = {TODAY - n * A_DAY: UNIT for n in range(1, 7)}
    pace = pace_of(spent, since=date(2026, 1, 1), today=TODAY)
    assert forecast(pace, [Funds(100 * UNIT, date(2027, 5, 1))], today=TODAY) is None
    spent[TODAY - 7 * A_DAY] = UNIT
    pace = pace_of(spent, since=date(2026, 1, 1), today=TODAY)
    assert forecast(pace, [Funds(100 * UNIT, date(2027, 5, 1))], today=TODAY)


def test_the_day_that_is_not_over_does_not_count() -> None:
    pace = pace_of({TODAY: 99 * UNIT}, since=date(2026, 1, 1), today=TODAY)
    assert pace.average == 0
    assert len(pace.days) == 28


def test_days_before_the_organisation_began_do_not_thin_the_mean() -> None:
    pace = _even(2 * UNIT, days=10)
    assert len(pace.days) == 10
    assert pace.average == 2 * UNIT


def test_an_even_pace_runs_out_on_the_day_division_says() -> None:
    ahead = forecast(_even(UNIT), [Funds(30 * UNIT, date(2027, 11, 21))], today=TODAY)
    assert ahead is not None
    assert ahead.average_per_day == UNIT
    assert ahead.runs_out_on == TODAY + 30 * A_DAY
    assert ahead.days_left(TODAY) == 30
    assert ahead.days[0].middle == 29 * UNIT
    assert ahead.days[29].middle == 0


def test_weekdays_are_weighted_by_themselves() -> None:
    weekdays_only = {
        day: 7 * UNIT for n in range(1, 29) if (day := TODAY - n * A_DAY).weekday() < 5
    }
    pace = pace_of(weekdays_only, since=date(2026, 1, 1), today=TODAY)
    assert pace.average == 5 * UNIT
    ahead = forecast(pace, [Funds(70 * UNIT, date(2027, 11, 21))], today=TODAY)
    assert ahead is not None
    # Ten working days: the second Friday after a Sunday.
    assert ahead.runs_out_on == TODAY + 12 * A_DAY


def test_what_cannot_be_used_in_time_is_lost_and_counted() -> None:
    lots = [
        Funds(640 * UNIT, TODAY + 7 * A_DAY),
        Funds(1_500 * UNIT, date(2027, 11, 21)),
    ]
    ahead = forecast(_even(33 * UNIT), lots, today=TODAY)
    assert ahead is not None
    soon, later = ahead.outcomes
    assert soon.unused == (640 - 7 * 33) * UNIT
    assert soon.used_by is None
    assert later.unused == 0
    assert later.used_by == ahead.runs_out_on


def test_funds_used_up_before_they_expire_name_the_day() -> None:
    lots = [Funds(100 * UNIT, TODAY + 22 * A_DAY), Funds(UNIT, date(2027, 11, 21))]
    ahead = forecast(_even(33 * UNIT), lots, today=TODAY)
    assert ahead is not None
    assert ahead.outcomes[0].used_by == TODAY + 4 * A_DAY
    assert ahead.outcomes[0].unused == 0


def test_a_balance_that_outlasts_a_year_has_no_date() -> None:
    ahead = forecast(_even(UNIT), [Funds(900 * UNIT, date(2029, 1, 1))], today=TODAY)
    assert ahead is not None
    assert ahead.runs_out_on is None
    assert ahead.days_left(TODAY) is None


def test_an_empty_or_overdrawn_wallet_has_run_out_today() -> None:
    for debt in (0, 3 * UNIT):
        ahead = forecast(_even(UNIT), [], today=TODAY, debt=debt)
        assert ahead is not None
        assert ahead.runs_out_on == TODAY


@given(
    st.lists(st.integers(0, 500 * UNIT), min_size=28, max_size=28),
    st.lists(
        st.tuples(st.integers(1, 10**12), st.integers(0, 500)), min_size=1, max_size=5
    ),
)
def test_nothing_appears_or_vanishes_in_the_forecast(
    spent: list[int], lots: list[tuple[int, int]]
) -> None:
    days = {TODAY - (n + 1) * A_DAY: amount for n, amount in enumerate(spent)}
    pace = pace_of(days, since=date(2026, 1, 1), today=TODAY)
    funds = [
        Funds(amount, TODAY + timedelta(days=n))
        for amount, n in sorted(lots, key=lambda lot: lot[1])
    ]
    ahead = forecast(pace, funds, today=TODAY)
    if ahead is None:
        return
    total = sum(lot.remaining for lot in funds)
    balances = [total, *(day.middle for day in ahead.days)]
    assert all(later <= sooner for sooner, later in pairwise(balances))
    assert all(day.low <= day.middle <= day.high for day in ahead.days)
    for lot, outcome in zip(funds, ahead.outcomes, strict=True):
        assert 0 <= outcome.unused <= lot.remaining
        assert not (outcome.used_by and outcome.unused)

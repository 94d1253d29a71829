"""How long the balance lasts, on numbers that can be followed by hand."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from credits.forecast import (
    A_DAY,
    Forecast,
    Funds,
    Pace,
    Refills,
    forecast,
    pace_of,
)

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


# --- with auto-recharge (rules 5.2 and 5.4) -------------------------------------------

ARMED = Refills(
    trigger=20 * UNIT, amount=100 * UNIT, monthly_limit=1_000 * UNIT, most_a_day=6
)
THIRTY = [Funds(30 * UNIT, date(2027, 11, 21))]


def _with(a_day: int, **changed: object) -> Forecast:
    refills = replace(ARMED, **changed)  # type: ignore[arg-type]  # of Refills
    ahead = forecast(_even(a_day), THIRTY, today=TODAY, refills=refills)
    assert ahead is not None
    return ahead


def test_auto_recharge_adds_its_amount_once_the_trigger_is_passed() -> None:
    ahead = _with(UNIT)
    assert ahead.counts_recharge
    assert ahead.runs_out_on is None
    assert ahead.runs_out_alone == TODAY + 30 * A_DAY
    middles = [day.middle for day in ahead.days]
    # Ten days to the trigger itself, which is not below it; then a hundred more.
    assert middles[9] == 20 * UNIT
    assert middles[10] == 119 * UNIT


def test_monthly_limit_is_where_auto_recharge_ends() -> None:
    ahead = _with(20 * UNIT, monthly_limit=100 * UNIT)
    # 30 left and 100 in November; December's 100 last five days longer.
    assert ahead.runs_out_on == TODAY + 7 * A_DAY
    spent = _with(20 * UNIT, monthly_limit=100 * UNIT, spent=100 * UNIT)
    assert spent.runs_out_on == TODAY + 2 * A_DAY
    assert spent.days[8].middle > 0  # 1 December: the limit begins anew


def test_recharges_of_a_day_are_limited() -> None:
    limits = {"most_a_day": 2, "monthly_limit": 10**6 * UNIT}
    assert _with(300 * UNIT, **limits).runs_out_on == TODAY + A_DAY
    assert _with(190 * UNIT, **limits).runs_out_on is None


def test_catching_up_adds_the_smallest_multiple_as_one_charge() -> None:
    big = {"trigger": 250 * UNIT, "most_a_day": 1}
    assert _with(UNIT, **big).days[0].middle == 129 * UNIT
    assert _with(UNIT, **big, catches_up=True).days[0].middle == 329 * UNIT
    room = {"catches_up": True, "monthly_limit": 250 * UNIT}
    assert _with(UNIT, **big, **room).days[0].middle == 229 * UNIT


def test_what_is_on_its_way_is_there_tomorrow() -> None:
    assert _with(UNIT, incoming=100 * UNIT).days[0].middle == 129 * UNIT


def test_trigger_of_nothing_never_fires() -> None:
    assert _with(UNIT, trigger=0).runs_out_on == TODAY + 30 * A_DAY


def test_forecast_loss_counts_no_recharge() -> None:
    """3.8: what becomes of the lots there are is played without it."""
    lots = [Funds(640 * UNIT, TODAY + 7 * A_DAY), *THIRTY]
    alone = forecast(_even(33 * UNIT), lots, today=TODAY)
    refilled = forecast(
        _even(33 * UNIT), lots, today=TODAY, refills=replace(ARMED, trigger=900 * UNIT)
    )
    assert alone is not None
    assert refilled is not None
    assert refilled.outcomes == alone.outcomes
    assert refilled.outcomes[0].unused == (640 - 7 * 33) * UNIT


@given(
    st.integers(1, 400),
    st.integers(1, 300),
    st.integers(1, 20),
    st.integers(1, 6),
    st.booleans(),
)
def test_no_limit_is_passed_in_the_forecast(
    spent: int, amount: int, times: int, most_a_day: int, catches_up: bool
) -> None:
    ahead = _with(
        spent * UNIT,
        amount=amount * UNIT,
        monthly_limit=amount * times * UNIT,
        most_a_day=most_a_day,
        catches_up=catches_up,
    )
    balances = [30 * UNIT, *(day.middle for day in ahead.days)]
    added: Counter[tuple[int, int]] = Counter()
    for day, (before, after) in zip(ahead.days, pairwise(balances), strict=True):
        # At least; what was spent beyond the balance does not show.
        added[day.day.year, day.day.month] += max(0, after - before)
    assert all(of_month <= amount * times * UNIT for of_month in added.values())

"""The chart's geometry, on numbers."""

import re
from datetime import date, timedelta
from itertools import pairwise

from credits.balance_chart import DAYS_BACK, DayPast, balance_chart
from credits.forecast import DayAhead
from credits.money import MICROS_PER_UNIT

TODAY = date(2026, 11, 22)
UNIT = 1_000_000


def _past(*, gained_on: int | None = None, start: int = 1_900) -> list[DayPast]:
    days = []
    balance = start * UNIT
    for n in range(DAYS_BACK + 1):
        gained = 2_000 * UNIT if n == gained_on else 0
        balance += gained - 30 * UNIT
        day = TODAY - timedelta(days=DAYS_BACK - n)
        days.append(DayPast(day, balance, gained))
    return days


def _ahead(balance: int, days: int = 365) -> list[DayAhead]:
    return [
        DayAhead(
            TODAY + timedelta(days=n),
            max(0, balance - 40 * UNIT * n),
            max(0, balance - 30 * UNIT * n),
            max(0, balance - 20 * UNIT * n),
        )
        for n in range(1, days + 1)
    ]


def _points(path: str) -> list[tuple[float, float]]:
    pairs = re.findall(r"(\d+\.\d) (-?\d+\.\d)", path)
    return [(float(x), float(y)) for x, y in pairs]


def test_facts_fill_the_left_and_the_forecast_the_right() -> None:
    past = _past()
    chart = balance_chart(
        past, _ahead(past[-1].balance), currency="USD", today_word="Today"
    )
    line, fore = _points(chart.line), _points(chart.forecast)
    assert line[0][0] == 0
    assert line[-1] == fore[0]
    assert line[-1][0] == float(chart.today_x) == 428.5
    assert fore[-1][0] == 1_000
    assert chart.dot_x == "42.85%"
    assert chart.area.startswith(chart.line)


def test_a_larger_balance_stands_higher_and_all_of_it_in_the_box() -> None:
    past = _past(gained_on=20)
    chart = balance_chart(
        past, _ahead(past[-1].balance), currency="USD", today_word="Today"
    )
    everything = _points(chart.line) + _points(chart.forecast) + _points(chart.band)
    assert all(0 <= x <= 1_000 and 0 <= y <= 240 for x, y in everything)
    by_balance = sorted(zip((day.balance for day in past), past, strict=True))
    assert by_balance[0][0] < by_balance[-1][0]
    assert chart.zero == ""


def test_a_gain_is_a_vertical_step_with_its_name() -> None:
    past = _past(gained_on=20)
    chart = balance_chart(past, [], currency="USD", today_word="Today")
    points = _points(chart.line)
    steps = [
        (before, after) for before, after in pairwise(points) if before[0] == after[0]
    ]
    assert len(steps) == 1
    assert steps[0][0][1] > steps[0][1][1]
    assert [label.text for label in chart.labels if "+" in label.text] == ["+US$2,000"]


def test_without_a_forecast_nothing_is_drawn_ahead() -> None:
    chart = balance_chart(_past(), [], currency="USD", today_word="Today")
    assert chart.forecast == ""
    assert chart.band == ""


def test_what_is_owed_gets_a_zero_line_and_room_below() -> None:
    past = [
        DayPast(TODAY - timedelta(days=1), 5 * UNIT),
        DayPast(TODAY, -3 * UNIT),
    ]
    chart = balance_chart(past, [], currency="USD", today_word="Today")
    assert 0 < float(chart.zero) < 240
    assert _points(chart.line)[-1][1] > float(chart.zero)


def test_an_empty_wallet_has_a_flat_line_on_the_floor() -> None:
    past = [DayPast(TODAY - timedelta(days=n), 0) for n in range(DAYS_BACK, -1, -1)]
    chart = balance_chart(past, [], currency="USD", today_word="Today")
    assert {y for _, y in _points(chart.line)} == {240}
    assert not chart.has_shape


def test_at_most_five_dates_stand_under_the_chart_and_none_too_near_another() -> None:
    for n in range(60):
        today = TODAY + timedelta(days=n)
        past = [DayPast(today - timedelta(days=1), UNIT), DayPast(today, UNIT)]
        chart = balance_chart(past, [], currency="USD", today_word="Today")
        dates = [label for label in chart.labels if label.y == "258"]
        assert 3 <= len(dates) <= 5
        places = [float(label.x.rstrip("%")) for label in dates]
        assert all(b - a >= 7 for a, b in pairwise(places))


def test_grid_lines_stand_at_round_amounts() -> None:
    chart = balance_chart(_past(gained_on=20), [], currency="USD", today_word="Today")
    assert [line.text for line in chart.grid] == [
        "1,000",
        "2,000",
        "3,000",
    ]


def test_the_table_ends_with_today_and_goes_back_by_fives() -> None:
    past = _past()
    chart = balance_chart(past, [], currency="USD", today_word="Today")
    assert chart.table[-1] == past[-1]
    assert len(chart.table) == 10


def test_the_level_of_auto_recharge_is_a_line_within_the_box() -> None:
    past = _past()
    plain = balance_chart(past, [], currency="USD", today_word="Today")
    assert plain.level is None
    low = balance_chart(
        past, [], currency="USD", today_word="Today", level=1_000 * MICROS_PER_UNIT
    )
    high = balance_chart(
        past, [], currency="USD", today_word="Today", level=9_000 * MICROS_PER_UNIT
    )
    assert low.level is not None
    assert high.level is not None
    assert (low.level.amount, high.level.amount) == ("US$1,000", "US$9,000")
    assert 0 < float(high.level.y) < float(low.level.y) < 240
    assert low.line == plain.line  # a level below the balance changes no scale

"""Which versions a deck makes: dates, changes, overlaps (rule 6.1)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calling.decks.record import BadDeck, DeckError, RateIn
from calling.plan_versions import MOST_DATES, PlannedVersion, plan_versions

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def row(
    prefix: str,
    price: int = 1,
    *,
    from_day: int | None = None,
    line: int = 2,
    **more: Any,
) -> RateIn:
    start = None if from_day is None else NOW + from_day * DAY
    return RateIn(line, prefix, "Place", "", "any", price, valid_from=start, **more)


def card(*rows: RateIn) -> dict[str, RateIn]:
    return {one.prefix: one for one in rows}


def told(planned: list[PlannedVersion]) -> list[tuple[int, dict[str, int]]]:
    """Days after now, and the price of each prefix."""
    return [
        (
            (one.valid_from - NOW).days,
            {prefix: rate.rate_per_minute for prefix, rate in one.rates.items()},
        )
        for one in planned
    ]


def test_a_whole_deck_replaces_the_card() -> None:
    planned, bad = plan_versions([row("81", 2)], card(row("44")), starts_at=NOW)
    assert told(planned) == [(0, {"81": 2})]
    assert bad == []


def test_changes_are_laid_over_the_card() -> None:
    planned, _ = plan_versions(
        [row("81", 2), row("1", is_closed=True)],
        card(row("44"), row("81"), row("1")),
        starts_at=NOW,
        changes_only=True,
    )
    assert told(planned) == [(0, {"44": 1, "81": 2})]


def test_a_later_price_waits_for_its_date_and_the_old_one_stays() -> None:
    rows = [row("81", 2, from_day=10), row("44", 3), row("7", 4, from_day=20)]
    planned, _ = plan_versions(
        rows, card(row("81"), row("44"), row("33")), starts_at=NOW
    )
    assert told(planned) == [
        (0, {"81": 1, "44": 3}),
        (10, {"81": 2, "44": 3}),
        (20, {"81": 2, "44": 3, "7": 4}),
    ]


def test_a_deck_that_begins_later_changes_nothing_before() -> None:
    planned, _ = plan_versions(
        [row("81", 2, from_day=10)], card(row("81"), row("44")), starts_at=NOW
    )
    assert told(planned) == [(10, {"81": 2})]


def test_prices_that_follow_one_another_are_no_duplicates() -> None:
    rows = [
        row("81", 3, from_day=30),
        row("81", 1, from_day=-60),
        row("81", 2, from_day=-30, valid_to=NOW + 30 * DAY),
    ]
    planned, bad = plan_versions(rows, {}, starts_at=NOW)
    assert told(planned) == [(0, {"81": 2}), (30, {"81": 3})]
    assert bad == []
    assert planned[0].rates["81"].valid_to == NOW + 30 * DAY


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (row("81", 2, line=3), "prefix 81 is in line 2 already."),
        (row("81", 2, line=3, from_day=0), "prefix 81 holds while line 2 does."),
        (row("81", 2, line=3, from_day=5), "prefix 81 holds while line 2 does."),
    ],
)
def test_prices_at_the_same_time_are_refused(second: RateIn, reason: str) -> None:
    first = row("81", valid_to=NOW + 9 * DAY)
    planned, bad = plan_versions([first, second], {}, starts_at=NOW)
    assert [(error.line, error.reason) for error in bad] == [(3, reason)]
    assert told(planned) == [(0, {"81": 1})]


def test_what_is_over_is_not_offered() -> None:
    rows = [row("81", valid_to=NOW), row("44")]
    planned, _ = plan_versions(rows, card(row("81")), starts_at=NOW)
    assert told(planned) == [(0, {"44": 1})]


def test_a_deck_without_a_good_row_makes_nothing() -> None:
    error = DeckError(2, "no.", "x")
    assert plan_versions([error], card(row("81")), starts_at=NOW) == ([], [error])


def test_too_many_dates_are_no_price_list() -> None:
    rows = [row(str(n), from_day=n) for n in range(1, MOST_DATES + 2)]
    with pytest.raises(BadDeck, match="more than 24 different dates"):
        plan_versions(rows, {}, starts_at=NOW)


@given(
    st.lists(
        st.tuples(st.sampled_from(["1", "44", "81"]), st.integers(-3, 3)), max_size=12
    )
)
def test_the_last_version_has_the_latest_price_of_each_prefix(
    drawn: list[tuple[str, int]],
) -> None:
    rows = [row(prefix, n, from_day=day) for n, (prefix, day) in enumerate(drawn)]
    planned, bad = plan_versions(rows, {}, starts_at=NOW)
    refused = {error.line for error in bad}
    assert refused <= {2}
    latest = {prefix: max(d for p, d in drawn if p == prefix) for prefix, _ in drawn}
    days = [(one.valid_from - NOW).days for one in planned]
    assert days == sorted({max(day, 0) for _, day in drawn})
    for prefix, day in latest.items():
        kept = planned[-1].rates[prefix]
        assert drawn[kept.rate_per_minute] == (prefix, day)

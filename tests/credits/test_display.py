"""Money and dates as people read them, in both languages."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template
from django.utils import translation
from djmoney.money import Money
from hypothesis import given
from hypothesis import strategies as st

from credits import display
from credits.money import CURRENCIES

TAIPEI = ZoneInfo("Asia/Taipei")


@pytest.mark.parametrize(
    ("micros", "currency", "text"),
    [
        (2_364_370_000, "USD", "US$2,364.37"),
        (-3_180_000, "USD", "−US$3.18"),
        (0, "USD", "US$0.00"),
        (1_234_567_000_000, "TWD", "NT$1,234,567"),
        (1_000_000, "JPY", "JP¥1"),
        (12_345_000, "KWD", "KWD 12.345"),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh-hant"])
def test_amounts_carry_an_unambiguous_sign_and_the_places_of_their_currency(
    micros: int, currency: str, text: str, language: str
) -> None:
    with translation.override(language):
        assert display.money_text(micros, currency) == text


def test_what_is_shown_is_never_more_than_there_is() -> None:
    assert display.money_text(9_999_999, "USD") == "US$9.99"
    assert display.money_text(-3_181_000, "USD") == "−US$3.19"
    assert display.shown_up(3_181_000, "USD") == 3_190_000


@given(st.integers(-(2**60), 2**60), st.sampled_from(sorted(CURRENCIES)))
def test_shown_amount_differs_by_less_than_the_smallest_unit(
    micros: int, currency: str
) -> None:
    step = CURRENCIES[currency].micros_per_minor
    assert 0 <= micros - display.shown(micros, currency) < step
    assert display.shown(micros, currency) % step == 0


@given(st.lists(st.integers(0, 10**12)), st.sampled_from(sorted(CURRENCIES)))
def test_parts_as_shown_add_up_to_the_whole_as_shown(
    amounts: list[int], currency: str
) -> None:
    parts = display.shown_parts(amounts, currency)
    assert sum(parts) == display.shown(sum(amounts), currency)
    step = CURRENCIES[currency].micros_per_minor
    assert all(
        abs(part - amount) < step for part, amount in zip(parts, amounts, strict=True)
    )


def test_gains_carry_a_plus_where_asked() -> None:
    assert display.money_text(500_000_000, "USD", plus=True) == "+US$500.00"
    assert display.plain_text(500_000_000, "USD", plus=True) == "+500.00"
    assert display.plain_text(-21_160_000, "USD", plus=True) == "−21.16"
    assert display.plain_text(0, "USD", plus=True) == "0.00"


def test_exact_amounts_end_with_the_last_digit_that_is_not_zero() -> None:
    assert display.exact_text(13_800, "USD") == "US$0.0138"
    assert display.exact_text(50_000_000, "USD") == "US$50.00"
    assert display.exact_text(1, "USD") == "US$0.000001"
    assert display.exact_text(-1, "TWD") == "−NT$0.000001"


def test_rates_show_at_least_four_places() -> None:
    assert display.rate_text(24_000, "USD") == "US$0.0240"
    assert display.rate_text(1_234_567, "USD") == "US$1.234567"
    assert display.rate_text(2_000_000, "JPY") == "JP¥2.0000"


def test_a_column_shares_the_fewest_places_that_show_all_of_it() -> None:
    assert display.places_of([10_000, 2_000_000], "USD") == 2
    assert display.places_of([10_000, 13_800], "USD") == 4
    assert display.places_of([], "JPY") == 0
    assert display.exact_text(10_000, "USD", places=4) == "US$0.0100"


def test_the_big_figure_comes_in_pieces() -> None:
    parts = display.amount_parts(2_364_370_000, "USD")
    assert (parts.sign, parts.whole, parts.decimals) == ("US$", "2,364", ".37")
    parts = display.amount_parts(-5_000_000, "TWD")
    assert (parts.sign, parts.whole, parts.decimals) == ("−NT$", "5", "")


@pytest.mark.parametrize(
    ("style", "english", "chinese"),
    [
        ("date", "4 Dec 2026", "2026年12月4日"),
        ("long", "4 December 2026", "2026年12月4日"),
        ("table", "4 Dec 2026", "2026/12/04"),
        ("day", "4 Dec", "12/04"),
        ("tick", "4 Dec", "12/4"),
        ("month_day", "4 December", "12月4日"),
        ("month", "December", "12月"),
        ("year_month", "December 2026", "2026年12月"),
    ],
)
def test_dates_read_as_each_language_writes_them(
    style: str, english: str, chinese: str
) -> None:
    day = date(2026, 12, 4)
    with translation.override("en"):
        assert display.date_text(day, style) == english
    with translation.override("zh-hant"):
        assert display.date_text(day, style) == chinese


def test_last_day_is_the_day_before_funds_stop_being_usable() -> None:
    midnight = datetime(2026, 12, 14, 16, tzinfo=UTC)  # 15 December in Taipei
    assert display.last_day(midnight, TAIPEI) == date(2026, 12, 14)


def test_the_zone_is_named_with_what_it_stands_at() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert display.zone_text(TAIPEI, at) == "Taipei (UTC+8)"
    india = display.zone_text(ZoneInfo("Asia/Kolkata"), at)
    assert india == "Kolkata (UTC+5:30)"
    with translation.override("zh-hant"):
        assert display.zone_text(TAIPEI, at) == "台北 (UTC+8)"
    eastern = display.zone_text(ZoneInfo("America/New_York"), at)
    assert eastern == "New York (UTC−5)"


def _rendered(source: str, **context: object) -> str:
    return Template("{% load money %}" + source).render(Context(context))


def test_templates_take_micros_or_money() -> None:
    assert _rendered("{{ a|money:'USD' }}", a=1_500_000) == "US$1.50"
    assert _rendered("{{ a|money }}", a=Money("1.50", "USD")) == "US$1.50"
    assert _rendered("{{ a|gain:'USD' }}", a=1_500_000) == "+1.50"
    assert _rendered("{{ a|per_minute:'USD' }}", a=24_000) == "US$0.0240"
    assert _rendered("{{ a|exact:'USD' }}", a=13_800) == "US$0.0138"


def test_notices_may_carry_instants_as_text() -> None:
    text = "2026-12-14T16:00:00+00:00"
    assert _rendered("{{ a|local_date:'Asia/Taipei' }}", a=text) == "15 Dec 2026"
    assert _rendered("{{ a|local_time:'Asia/Taipei' }}", a=text) == "00:00"
    last = "{{ a|last_day:'Asia/Taipei'|long_date }}"
    assert _rendered(last, a=text) == "14 December 2026"


def test_an_instant_needs_a_zone_to_be_a_day() -> None:
    with pytest.raises(ValueError, match="name the zone"):
        _rendered("{{ a|local_date }}", a=datetime(2026, 1, 1, tzinfo=UTC))

"""What a new price list changes, before it does (rule 6.1)."""

from hypothesis import given
from hypothesis import strategies as st

from calling.compare_rates import LENGTHS, compare_rates
from calling.decks.record import RateIn
from calling.rate import rate_call
from calling.write_rates import view_of


def rate(prefix: str, price: int = 60_000, **more: int | bool) -> RateIn:
    return RateIn(0, prefix, f"Place {prefix}", "", "any", price, **more)  # type: ignore[arg-type]


def card(*rates: RateIn) -> dict[str, RateIn]:
    return {one.prefix: one for one in rates}


def test_each_prefix_is_counted_once() -> None:
    before = card(*[rate(prefix) for prefix in ("1", "2", "3", "4", "5")])
    named = RateIn(0, "5", "Another name", "", "any", 60_000)
    after = card(rate("1"), rate("2", 90_000), rate("3", 30_000), named, rate("6"))
    found = compare_rates(before, after)
    assert (found.unchanged, found.dearer, found.cheaper) == (1, 1, 1)
    assert (found.otherwise, found.new, found.removed) == (1, 1, 1)
    assert [(one.prefix, one.per_mille) for one in found.increases] == [("2", 500)]
    assert [(one.prefix, one.per_mille) for one in found.decreases] == [("3", -500)]


def test_longer_steps_and_charges_are_dearer_at_the_same_price_per_minute() -> None:
    before = card(rate("1", interval_1=1, interval_n=1), rate("2"), rate("3"))
    after = card(rate("1"), rate("2", connect_fee=1), rate("3", minimum_charge=100_000))
    assert compare_rates(before, after).dearer == 3


def test_the_biggest_come_first_and_what_was_free_before_them() -> None:
    before = card(*[rate(str(n)) for n in range(1, 30)], rate("8", 0))
    after = card(*[rate(str(n), 60_000 + 1_000 * n) for n in range(1, 30)])
    found = compare_rates(before, after)
    assert found.dearer == 29
    assert [one.prefix for one in found.increases[:3]] == ["8", "29", "28"]
    assert found.increases[0].per_mille is None
    assert len(found.increases) == 10


def test_lost_prefixes_say_what_stands_for_them() -> None:
    before = card(rate("44"), rate("447"), rate("447500"), rate("81"), rate("1900"))
    after = card(rate("44"), rate("1"), rate("1900", is_blocked=True))
    lost = compare_rates(before, after).lost
    assert [
        (one.prefix, one.falls_to.prefix if one.falls_to else None) for one in lost
    ] == [("1900", "1900"), ("447", "44"), ("447500", "44"), ("81", None)]


def test_nothing_is_different_from_itself() -> None:
    same = card(rate("44"), rate("447500", 90_000))
    found = compare_rates(same, same)
    assert found.is_empty
    assert found.unchanged == 2
    assert found.lost == []


PRICES = st.integers(0, 500_000)


@given(PRICES, PRICES, st.sampled_from([1, 6, 30, 60]), st.sampled_from([1, 6, 60]))
def test_what_is_called_cheaper_costs_no_call_more(
    old: int, new: int, first: int, following: int
) -> None:
    before, after = (
        rate("1", old),
        rate("1", new, interval_1=first, interval_n=following),
    )
    found = compare_rates(card(before), card(after))
    costs = [
        (rate_call(view_of(before), s).amount, rate_call(view_of(after), s).amount)
        for s in LENGTHS
    ]
    if found.cheaper:
        assert all(now <= then for then, now in costs)
    if found.dearer:
        assert any(now > then for then, now in costs)
    assert found.dearer + found.cheaper + found.otherwise + found.unchanged == 1

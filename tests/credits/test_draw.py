"""Rule 3.5: soonest expiry, gifts before paid credit, then the older lot."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from credits.draw import LATE_USAGE, LotView, draw, in_burn_order
from credits.models import LotKind
from tests.makers import START

DAY = timedelta(days=1)
CALL = START
views = st.builds(
    LotView,
    id=st.integers(1, 1000),
    kind=st.sampled_from(LotKind.values),
    remaining=st.integers(0, 100),
    expires_at=st.integers(-5, 5).map(lambda days: START + days * DAY),
)
lots = st.lists(views, max_size=12, unique_by=lambda lot: lot.id).map(in_burn_order)


def view(
    pk: int, days: int, *, kind: LotKind = LotKind.PURCHASE, left: int = 10
) -> LotView:
    return LotView(pk, kind.value, left, START + days * DAY)


def test_burn_order_is_expiry_then_gift_then_age() -> None:
    late, gift = view(1, 9), view(4, 5, kind=LotKind.PROMOTIONAL)
    old, young = view(2, 5), view(3, 5)
    assert in_burn_order([late, young, old, gift]) == [gift, old, young, late]


def test_a_draw_empties_one_lot_before_it_touches_the_next() -> None:
    first, second = view(1, 5), view(2, 6)
    draws = draw([first, second], 13, started_at=CALL, at=CALL)
    assert [(one.lot.id, one.amount) for one in draws] == [(1, 10), (2, 3)]


def test_a_lot_never_pays_a_call_that_started_when_it_had_expired() -> None:
    lot = view(1, 5)
    assert draw([lot], 3, started_at=lot.expires_at, at=lot.expires_at) == []
    just_before = lot.expires_at - timedelta(microseconds=1)
    assert draw([lot], 3, started_at=just_before, at=lot.expires_at)


def test_a_late_record_draws_for_72_hours_and_then_no_more() -> None:
    lot = view(1, 5)
    end = lot.expires_at + LATE_USAGE
    before = end - timedelta(microseconds=1)
    assert draw([lot], 3, started_at=CALL, at=before)
    assert draw([lot], 3, started_at=CALL, at=end) == []


def test_a_correction_may_draw_from_what_it_reopened_however_late() -> None:
    lot = view(1, 5)
    later = START + 300 * DAY
    assert draw([lot], 3, started_at=CALL, at=later, reopened={1})
    assert draw([lot], 3, started_at=lot.expires_at, at=later, reopened={1}) == []


@given(lots=lots, amount=st.integers(0, 500))
def test_a_draw_takes_what_there_is_and_never_more(
    lots: list[LotView], amount: int
) -> None:
    draws = draw(lots, amount, started_at=CALL, at=CALL)
    there = sum(lot.remaining for lot in lots if lot.expires_at > CALL)
    assert sum(one.amount for one in draws) == min(amount, there)
    assert all(0 < one.amount <= one.lot.remaining for one in draws)
    assert all(one.lot.expires_at > CALL for one in draws)


@given(lots=lots, amount=st.integers(1, 500))
def test_no_lot_is_touched_while_an_earlier_one_has_something_left(
    lots: list[LotView], amount: int
) -> None:
    drawn = {d.lot.id: d.amount for d in draw(lots, amount, started_at=CALL, at=CALL)}
    open_lots = [lot for lot in lots if lot.expires_at > CALL and lot.remaining]
    left = [lot.remaining - drawn.get(lot.id, 0) for lot in open_lots]
    partly = [index for index, amount in enumerate(left) if amount]
    touched = [i for i, lot in enumerate(open_lots) if lot.id in drawn]
    assert not partly or not touched or max(touched) <= partly[0]


@given(lots=lots, parts=st.lists(st.integers(1, 60), min_size=1, max_size=6))
def test_many_small_draws_take_the_same_as_one_large(
    lots: list[LotView], parts: list[int]
) -> None:
    at_once = {
        one.lot.id: one.amount
        for one in draw(lots, sum(parts), started_at=CALL, at=CALL)
    }
    one_by_one: dict[int, int] = {}
    for part in parts:
        for one in draw(lots, part, started_at=CALL, at=CALL):
            one_by_one[one.lot.id] = one_by_one.get(one.lot.id, 0) + one.amount
            lots = [
                lot._replace(remaining=lot.remaining - one.amount)
                if lot.id == one.lot.id
                else lot
                for lot in lots
            ]
    assert one_by_one == at_once

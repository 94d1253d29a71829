"""Who pays: pool, credit, then post-paid or debt; the parts add up (rules 7 and 8)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calling.allocate import (
    Parts,
    PoolState,
    allocate,
    credit_seconds,
    pool_amount,
    pool_seconds,
)
from calling.rate import RatedCall, rate_call
from credits.draft import WalletDraft
from credits.draw import LotView
from credits.models import Wallet
from tests.calling.test_rate import rate

AT = datetime(2026, 3, 1, tzinfo=UTC)


def rated(seconds: int = 60, **more: object) -> RatedCall:
    return rate_call(rate(**more), seconds)


def pool(remaining: int, *, reserved: int = 0, ends_all: bool = False) -> PoolState:
    return PoolState(
        id=7,
        family="domestic",
        bucket="domestic",
        granted=remaining,
        remaining=remaining,
        reserved=reserved,
        ends_all=ends_all,
    )


def wallet_with(*amounts: int) -> WalletDraft:
    lots = [
        LotView(number, "purchase", amount, AT + timedelta(days=number))
        for number, amount in enumerate(amounts, start=1)
    ]
    return WalletDraft(Wallet(organisation_id=1, currency="USD"), lots, at=AT)


def paid(
    call: RatedCall,
    minutes: PoolState | None = None,
    *amounts: int,
    is_postpaid: bool = False,
) -> Parts:
    return allocate(
        call,
        minutes,
        wallet_with(*amounts),
        reference="call:1#1",
        started_at=AT,
        is_postpaid=is_postpaid,
    )


def test_the_pool_comes_first() -> None:
    parts = paid(rated(60), pool(600), 1_000_000)
    assert parts == Parts(7, 60, 21_000)


def test_rule_7_2_a_pool_gives_whole_intervals() -> None:
    call = rated(100, interval_1=30, interval_n=6)
    assert call.billed_seconds == 102
    assert pool_seconds(call, 1000) == 102
    assert pool_seconds(call, 101) == 96
    assert pool_seconds(call, 36) == 36
    assert pool_seconds(call, 35) == 30
    assert pool_seconds(call, 29) == 0


def test_rule_7_3_the_fee_belongs_to_the_first_interval() -> None:
    call = rated(180, connect_fee=50_000)
    assert call.amount == 113_000
    assert pool_amount(call, 180) == 113_000
    assert pool_amount(call, 60) == 71_000
    assert pool_amount(call, 0) == 0


def test_rule_7_3_the_pool_part_is_never_more_than_the_call() -> None:
    call = rated(120, minimum_charge=0, connect_fee=0, rate_per_minute=1)
    assert pool_amount(call, 60) == 1
    free = rated(120, rate_per_minute=0, connect_fee=10)
    assert pool_amount(free, 60) == 10


def test_a_call_that_outlasts_the_pool_is_paid_from_credit() -> None:
    parts = paid(rated(180), pool(60), 1_000_000)
    assert (parts.pool_seconds, parts.pool_amount) == (60, 21_000)
    assert (parts.credit_seconds, parts.credit_amount) == (120, 42_000)


def test_seconds_held_for_running_calls_are_not_given_away() -> None:
    assert paid(rated(60), pool(100, reserved=60), 1_000_000).pool_seconds == 0


def test_rule_3_6_what_no_lot_covers_is_debt() -> None:
    parts = paid(rated(120), None, 20_000)
    assert (parts.credit_amount, parts.debt_amount) == (20_000, 22_000)
    assert (parts.credit_seconds, parts.debt_seconds) == (57, 63)


def test_rule_8_nce_is_billed_after_use_once_its_lots_are_used_up() -> None:
    parts = paid(rated(120), None, 20_000, is_postpaid=True)
    assert (parts.credit_amount, parts.postpaid_amount) == (20_000, 22_000)
    assert (parts.credit_seconds, parts.postpaid_seconds) == (57, 63)
    assert parts.debt_amount == 0


def test_seconds_that_cost_nothing_count_as_paid() -> None:
    parts = paid(rated(120, rate_per_minute=0))
    assert parts.credit_seconds == 120
    assert credit_seconds(10, 0, 0) == 10


def test_a_pool_that_ends_all_is_used_up_by_a_call_that_asks_for_more() -> None:
    minutes = pool(100, ends_all=True)
    paid(rated(120, interval_1=60, interval_n=60), minutes, 1_000_000)
    assert (minutes.remaining, minutes.is_exhausted) == (40, True)
    minutes = pool(100)
    paid(rated(120), minutes, 1_000_000)
    assert (minutes.remaining, minutes.is_exhausted) == (40, False)


@pytest.mark.parametrize("is_postpaid", [True, False])
@given(
    seconds=st.integers(0, 10_000),
    first=st.integers(1, 90),
    following=st.integers(1, 90),
    price=st.integers(0, 5_000_000),
    fee=st.integers(0, 500_000),
    minimum=st.integers(0, 500_000),
    left=st.integers(0, 12_000),
    reserved=st.integers(0, 600),
    amounts=st.lists(st.integers(1, 3_000_000), max_size=4),
)
def test_b16_the_parts_add_up_to_the_whole(
    *,
    is_postpaid: bool,
    seconds: int,
    first: int,
    following: int,
    price: int,
    fee: int,
    minimum: int,
    left: int,
    reserved: int,
    amounts: list[int],
) -> None:
    call = rated(
        seconds,
        rate_per_minute=price,
        connect_fee=fee,
        interval_1=first,
        interval_n=following,
        minimum_charge=minimum,
    )
    minutes = pool(left, reserved=reserved)
    wallet = wallet_with(*amounts)
    parts = allocate(
        call,
        minutes,
        wallet,
        reference="call:1#1",
        started_at=AT,
        is_postpaid=is_postpaid,
    )
    _, *numbers = parts
    assert min(numbers) >= 0
    assert sum(numbers[0::2]) == call.billed_seconds
    assert sum(numbers[1::2]) == call.amount
    assert minutes.remaining == left - parts.pool_seconds >= min(left, reserved)
    assert parts.credit_amount == min(sum(amounts), call.amount - parts.pool_amount)
    assert parts.debt_amount == 0 or not is_postpaid
    assert parts.postpaid_amount == 0 or is_postpaid
    moved = sum(entry.amount for entry in wallet.entries)
    assert moved == -(parts.credit_amount + parts.debt_amount)

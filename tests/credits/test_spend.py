"""Spending, debt and late records (rules 3.5 to 3.8)."""

from datetime import timedelta

import pytest

from accounts.models import Organisation
from credits.expire import lapse_due_lots
from credits.models import EntryKind, LedgerEntry, Lot, LotKind, Wallet
from credits.spend import Spent, spend
from credits.statement import read_balance
from tests.makers import START, make_lot

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def test_spend_takes_from_the_lot_that_expires_first(formosa: Organisation) -> None:
    late = make_lot(formosa, "10", months=12)
    soon = make_lot(formosa, "10", months=3)
    spent = spend(formosa, amount=4, reference="c#1", started_at=START, at=START)
    assert spent == Spent(4, 0)
    soon.refresh_from_db()
    late.refresh_from_db()
    assert (soon.remaining, late.remaining) == (9_999_996, 10_000_000)


def test_a_gift_is_spent_before_paid_credit_of_the_same_day(
    formosa: Organisation,
) -> None:
    paid = make_lot(formosa, "10", kind=LotKind.STAFF_PAYMENT)
    gift = make_lot(formosa, "10", months=12)
    assert paid.expires_at == gift.expires_at
    spend(formosa, amount=4, reference="c#1", started_at=START, at=START)
    assert LedgerEntry.objects.get(kind=EntryKind.SPEND).lot_id == gift.pk


def test_the_same_reference_spends_once(formosa: Organisation) -> None:
    make_lot(formosa, "10")
    first = spend(formosa, amount=4, reference="c#1", started_at=START, at=START)
    make_lot(formosa, "10", months=1)  # a lot that would be drawn before the first
    again = spend(formosa, amount=4, reference="c#1", started_at=START, at=START)
    assert again == first
    assert Wallet.objects.get(pk=formosa.pk).credit == 19_999_996


def test_what_no_lot_covers_is_debt_in_full(formosa: Organisation) -> None:
    make_lot(formosa, "10")
    spent = spend(
        formosa, amount=12_000_001, reference="c#1", started_at=START, at=START
    )
    assert spent == Spent(10_000_000, 2_000_001)
    balance = read_balance(formosa.pk, START)
    assert (balance.balance, balance.debt) == (-2_000_001, 2_000_001)


def test_debt_never_takes_from_expired_credit(formosa: Organisation) -> None:
    lot = make_lot(formosa, "10", months=1)
    after = lot.expires_at
    spent = spend(formosa, amount=3, reference="c#1", started_at=after, at=after)
    assert spent == Spent(0, 3)
    lot.refresh_from_db()
    assert lot.remaining == 10_000_000


@pytest.mark.parametrize("marked", [False, True])
def test_a_late_record_of_an_earlier_call_draws_from_lapsed_credit(
    formosa: Organisation, marked: bool
) -> None:
    """Rule 3.8: for 72 hours, whether or not the sweep has marked the lot."""
    lot = make_lot(formosa, "10", months=1)
    now = lot.expires_at + 71 * HOUR
    if marked:
        assert lapse_due_lots(now) == 1
    spent = spend(
        formosa, amount=3, reference="c#1", started_at=lot.expires_at - HOUR, at=now
    )
    assert spent == Spent(3, 0)
    balance = read_balance(formosa.pk, now)
    assert (balance.balance, balance.lapsed) == (0, 9_999_997)


def test_after_72_hours_the_late_record_is_debt(formosa: Organisation) -> None:
    lot = make_lot(formosa, "10", months=1)
    now = lot.expires_at + 72 * HOUR
    spent = spend(formosa, amount=3, reference="c#1", started_at=START, at=now)
    assert spent == Spent(0, 3)
    lot.refresh_from_db()
    assert lot.remaining == 10_000_000


def test_a_used_up_lot_leaves_the_index_of_live_lots(formosa: Organisation) -> None:
    make_lot(formosa, "10")
    spend(formosa, amount=10_000_000, reference="c#1", started_at=START, at=START)
    assert not Lot.objects.live().exists()
    assert Wallet.objects.get(pk=formosa.pk).next_expiry_at is None


def test_a_spend_wants_a_recharge_below_the_trigger(formosa: Organisation) -> None:
    make_lot(formosa, "10")
    Wallet.objects.filter(pk=formosa.pk).update(trigger=6_000_000)
    for number, wanted in ((1, False), (2, False), (3, True)):
        spend(
            formosa,
            amount=2_000_000,
            reference=f"c{number}#1",
            started_at=START,
            at=START,
        )
        wallet = Wallet.objects.get(pk=formosa.pk)
        assert wallet.recharge_wanted is wanted

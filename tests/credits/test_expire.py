"""Expiry in two steps: unspendable at once, posted 72 hours later (rule 3.8)."""

from datetime import timedelta

import pytest
from django.db import DataError, connection, transaction

from accounts.models import Organisation
from credits.draw import LATE_USAGE
from credits.expire import expire_due_lots, lapse_due_lots, post_expired_lots
from credits.models import EntryKind, LedgerEntry, Lot, Wallet
from credits.prove import prove
from credits.spend import spend
from credits.statement import read_balance
from tests.makers import START, make_lot, make_organisation

HOUR = timedelta(hours=1)
MOMENT = timedelta(microseconds=1)


def test_expired_credit_leaves_the_balance_with_nobody_doing_anything(
    formosa: Organisation,
) -> None:
    lot = make_lot(formosa, "10", months=1)
    assert read_balance(formosa.pk, lot.expires_at - MOMENT).balance == 10_000_000
    expired = read_balance(formosa.pk, lot.expires_at)
    assert (expired.balance, expired.available) == (0, 0)
    assert (expired.credit, expired.lapsed) == (10_000_000, 10_000_000)


def test_lapsing_marks_the_lot_and_changes_no_balance(formosa: Organisation) -> None:
    lot = make_lot(formosa, "10", months=1)
    later = make_lot(formosa, "20", months=2)
    at = lot.expires_at
    before = read_balance(formosa.pk, at)
    assert lapse_due_lots(at) == 1
    assert lapse_due_lots(at) == 0
    assert read_balance(formosa.pk, at) == before
    wallet = Wallet.objects.get(pk=formosa.pk)
    assert (wallet.lapsed, wallet.next_expiry_at) == (10_000_000, later.expires_at)
    assert LedgerEntry.objects.filter(kind=EntryKind.EXPIRE).count() == 0


def test_nothing_lapses_before_its_time(formosa: Organisation) -> None:
    lot = make_lot(formosa, "10", months=1)
    assert lapse_due_lots(lot.expires_at - MOMENT) == 0


def test_72_hours_later_what_remains_is_posted_once(formosa: Organisation) -> None:
    lot = make_lot(formosa, "10", months=1)
    spend(formosa, amount=4_000_000, reference="c#1", started_at=START, at=START)
    lapse_due_lots(lot.expires_at)
    posted_at = lot.expires_at + LATE_USAGE
    assert post_expired_lots(posted_at - MOMENT) == 0
    assert post_expired_lots(posted_at) == 1
    assert post_expired_lots(posted_at) == 0
    entry = LedgerEntry.objects.get(kind=EntryKind.EXPIRE)
    assert (entry.amount, entry.reference) == (-6_000_000, f"expire:{lot.pk}#1")
    assert (entry.event_at, entry.booked_at) == (lot.expires_at, posted_at)
    wallet = Wallet.objects.get(pk=formosa.pk)
    assert (wallet.credit, wallet.lapsed, wallet.debt) == (0, 0, 0)


def test_a_sweep_that_missed_a_week_does_both_steps(formosa: Organisation) -> None:
    lot = make_lot(formosa, "10", months=1)
    at = lot.expires_at + timedelta(days=7)
    assert len(prove(at=at).late) == 2
    assert expire_due_lots(at) == 2
    assert prove(at=at).late == []
    assert read_balance(formosa.pk, at).credit == 0


def test_posting_alone_marks_the_lot_too(formosa: Organisation) -> None:
    lot = make_lot(formosa, "10", months=1)
    assert post_expired_lots(lot.expires_at + LATE_USAGE) == 1
    lot.refresh_from_db()
    assert lot.lapsed_at == lot.expires_at + LATE_USAGE


def test_late_usage_lowers_what_is_posted(formosa: Organisation) -> None:
    lot = make_lot(formosa, "10", months=1)
    at = lot.expires_at + HOUR
    lapse_due_lots(at)
    spend(formosa, amount=3_000_000, reference="c#1", started_at=START, at=at)
    post_expired_lots(lot.expires_at + LATE_USAGE)
    entry = LedgerEntry.objects.get(kind=EntryKind.EXPIRE)
    assert entry.amount == -7_000_000


def test_a_sweep_stops_at_its_limit_and_the_next_goes_on(db: None) -> None:
    lots = [make_lot(make_organisation(), "1", months=1) for _ in range(5)]
    at = max(lot.expires_at for lot in lots) + LATE_USAGE
    assert [lapse_due_lots(at, limit=2) for _ in range(4)] == [2, 2, 1, 0]
    assert [post_expired_lots(at, limit=3) for _ in range(3)] == [3, 2, 0]
    assert not Lot.objects.live().exists()


def test_lots_of_different_owners_expire_in_one_sweep(db: None) -> None:
    lots = [make_lot(make_organisation(), str(1 + n), months=1) for n in range(3)]
    at = lots[0].expires_at + LATE_USAGE
    assert expire_due_lots(at) == 6
    amounts = LedgerEntry.objects.filter(kind=EntryKind.EXPIRE).order_by("amount")
    assert [entry.amount for entry in amounts] == [-3_000_000, -2_000_000, -1_000_000]


def test_lots_of_one_owner_are_posted_in_the_order_they_expired(
    formosa: Organisation,
) -> None:
    later = make_lot(formosa, "10", months=2)
    sooner = make_lot(formosa, "5", months=1)
    assert post_expired_lots(later.expires_at + LATE_USAGE) == 2
    posted = LedgerEntry.objects.filter(kind=EntryKind.EXPIRE).order_by("wallet_seq")
    assert [entry.lot_id for entry in posted] == [sooner.pk, later.pk]
    assert [entry.balance_after for entry in posted] == [10_000_000, 0]
    assert [entry.wallet_seq for entry in posted] == [3, 4]


def test_an_expiry_wants_a_recharge(formosa: Organisation) -> None:
    """Rule 5.2: level-triggered, also by expiry."""
    lot = make_lot(formosa, "10", months=1)
    Wallet.objects.filter(pk=formosa.pk).update(trigger=5_000_000)
    lapse_due_lots(lot.expires_at)
    assert Wallet.objects.get(pk=formosa.pk).recharge_wanted is True


@pytest.mark.skipif(
    connection.vendor != "postgresql", reason="Plans are read from PostgreSQL."
)
def test_the_sweep_reads_the_index_of_live_lots(formosa: Organisation) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        due = Lot.objects.live().filter(lapsed_at=None, expires_at__lte=START)
        plan = due.order_by("expires_at", "organisation_id")[:100].explain()
    assert "live_lots_by_expiry" in plan


@pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite's own sum is whole."
)
def test_a_sum_of_micros_is_whole_and_never_wraps_around(db: None) -> None:
    most = 2**63 - 1
    with connection.cursor() as cursor:
        ask = "SELECT micros_sum(amount) FROM unnest(%s::bigint[]) AS amount"
        cursor.execute(ask, [[most, -2, None, 1]])
        assert cursor.fetchone() == (most - 1,)
        cursor.execute(ask, [[]])
        assert cursor.fetchone() == (0,)
        with pytest.raises(DataError), transaction.atomic():
            cursor.execute(ask, [[most, 1]])

"""Credit whose money went back: from its lots first, the rest is debt (rule 4.7)."""

from datetime import timedelta

import pytest

from accounts.models import Organisation
from credits.draw import LATE_USAGE
from credits.expire import expire_due_lots
from credits.lots import read_live_lots
from credits.models import EntryKind, LedgerEntry, Lot, LotKind, Wallet
from credits.money import Micros
from credits.reverse import reverse_event
from credits.spend import spend
from credits.take_back import take_back, unheld
from credits.trial_balance import trial_balance
from tests.makers import START, make_lot

DISPUTE = EntryKind.DISPUTE


@pytest.fixture
def lot(formosa: Organisation) -> Lot:
    return make_lot(formosa, "10", kind=LotKind.PURCHASE)


def take(
    lot: Lot, amount: Micros, reference: str = "dispute:1", kind: EntryKind = DISPUTE
) -> Micros:
    return take_back(
        lot.organisation_id,
        [lot.pk],
        amount,
        kind=kind,
        reference=reference,
        event_at=START,
        at=START,
    )


def test_what_the_lot_has_is_taken_from_it_alone(
    formosa: Organisation, lot: Lot
) -> None:
    other = make_lot(formosa, "5", months=1)
    assert take(lot, 4_000_000) == 4_000_000
    lot.refresh_from_db()
    other.refresh_from_db()
    assert (lot.remaining, other.remaining) == (6_000_000, 5_000_000)


def test_b44_after_spending_the_rest_is_debt(formosa: Organisation, lot: Lot) -> None:
    spend(formosa, amount=8_000_000, reference="c#1", started_at=START, at=START)
    assert take(lot, 10_000_000) == 2_000_000
    wallet = Wallet.objects.get()
    assert (wallet.credit, wallet.debt) == (0, 8_000_000)
    books = trial_balance(organisation_id=formosa.pk)
    assert sum(books.values()) == 0


def test_the_debt_is_paid_at_once_by_other_credit(
    formosa: Organisation, lot: Lot
) -> None:
    """Rule 3.6: debt > 0 means no spendable lot."""
    spend(formosa, amount=8_000_000, reference="c#1", started_at=START, at=START)
    make_lot(formosa, "50")
    take(lot, 10_000_000)
    wallet = Wallet.objects.get()
    assert (wallet.credit, wallet.debt) == (42_000_000, 0)


def test_a_lot_that_was_posted_as_expired_gives_nothing(
    formosa: Organisation, lot: Lot
) -> None:
    expire_due_lots(lot.expires_at + LATE_USAGE)
    assert take(lot, 10_000_000) == 0
    assert Wallet.objects.get().debt == 10_000_000


def test_an_undone_refund_of_an_expired_lot_expires_again(
    formosa: Organisation, lot: Lot
) -> None:
    """Rule 3.3: its expiry is reversed, and the sweep posts the next revision."""
    take(lot, 4_000_000, "refund:1", EntryKind.REFUND)
    at = lot.expires_at + LATE_USAGE
    expire_due_lots(at)
    later = at + timedelta(days=1)
    assert (
        reverse_event(formosa.pk, "refund:1", kinds=[EntryKind.REFUND.value], at=later)
        == 10_000_000
    )  # the refund and what had expired, until it is posted again
    expire_due_lots(later)
    posted = LedgerEntry.objects.filter(kind="expire").order_by("id")
    assert [(entry.reference, entry.amount) for entry in posted] == [
        (f"expire:{lot.pk}#1", -6_000_000),
        (f"expire:{lot.pk}#1:undo", 6_000_000),
        (f"expire:{lot.pk}#2", -10_000_000),
    ]


def test_b49_what_live_calls_hold_is_not_free(formosa: Organisation, lot: Lot) -> None:
    later = make_lot(formosa, "5", months=24)
    Wallet.objects.filter(pk=formosa.pk).update(reserved=9_000_000)
    wallet = Wallet.objects.get()
    lots = read_live_lots([formosa.pk], at=START)[formosa.pk]
    assert unheld([lot.pk], lots, wallet, START) == 6_000_000
    assert unheld([later.pk], lots, wallet, START) == 5_000_000
    assert unheld([lot.pk], lots, wallet, lot.expires_at) == 0
    Wallet.objects.filter(pk=formosa.pk).update(reserved=0)

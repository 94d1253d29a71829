"""Issuing: once per reference, not where credit is not held (2.1, 3.2, 3.8)."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import BillingMode, Organisation
from credits.issue import issue_lot
from credits.models import EntryKind, LedgerEntry, Lot, LotKind, Wallet
from credits.refusals import CreditsNotHeld, ExpiryNotAllowed, ReferenceUsed
from credits.spend import spend
from tests.makers import START, make_lot

GIFT = LotKind.PROMOTIONAL


def test_a_lot_is_filled_by_its_first_entry(formosa: Organisation) -> None:
    lot = make_lot(formosa, "50", reference="gift:1")
    assert (lot.original, lot.remaining) == (50_000_000, 50_000_000)
    assert lot.exhausted_at is None
    entry = LedgerEntry.objects.get()
    assert (entry.kind, entry.lot_id, entry.amount) == (GIFT, lot.pk, 50_000_000)
    assert (entry.wallet_seq, entry.balance_after) == (1, 50_000_000)
    wallet = Wallet.objects.get(pk=formosa.pk)
    assert (wallet.credit, wallet.debt, wallet.last_seq) == (50_000_000, 0, 1)
    assert wallet.next_expiry_at == lot.expires_at


def test_the_same_reference_again_is_the_same_lot(formosa: Organisation) -> None:
    first = make_lot(formosa, "50", reference="gift:1")
    again = make_lot(formosa, "50", reference="gift:1", at=START + timedelta(days=9))
    assert again == first
    assert (again.issued_at, again.expires_at) == (first.issued_at, first.expires_at)
    assert LedgerEntry.objects.count() == 1


def test_the_same_reference_with_other_terms_is_refused(formosa: Organisation) -> None:
    make_lot(formosa, "50", reference="gift:1")
    with pytest.raises(ReferenceUsed):
        make_lot(formosa, "60", reference="gift:1")
    assert Lot.objects.count() == 1


@pytest.mark.parametrize("kind", [LotKind.PURCHASE, LotKind.STAFF_PAYMENT])
def test_sold_credit_is_valid_for_twelve_months(
    formosa: Organisation, kind: LotKind
) -> None:
    lot = make_lot(formosa, kind=kind, at=datetime(2026, 11, 22, 2, tzinfo=UTC))
    assert lot.expires_at == datetime(2027, 11, 22, 16, tzinfo=UTC)
    assert lot.time_zone == "Asia/Taipei"


def test_two_lots_never_merge(formosa: Organisation) -> None:
    make_lot(formosa, "50")
    make_lot(formosa, "50")
    assert Lot.objects.live().count() == 2


def test_promotional_credit_for_nce_is_refused(contoso: Organisation) -> None:
    with pytest.raises(CreditsNotHeld) as refused:
        make_lot(contoso, "50")
    assert refused.value.code == "credits_not_held"
    assert "NCE" in str(refused.value)
    assert not Lot.objects.exists()
    assert not LedgerEntry.objects.exists()


def test_the_mode_is_read_inside_the_lock(formosa: Organisation) -> None:
    """The instance in hand may be stale; the row is what counts."""
    Organisation.objects.filter(pk=formosa.pk).update(billing_mode=BillingMode.NCE)
    assert formosa.mode is BillingMode.PREPAID
    with pytest.raises(CreditsNotHeld):
        make_lot(formosa, "50")
    assert not Lot.objects.exists()


@pytest.mark.parametrize("months", [None, 0, 25, -1])
def test_promotional_credit_needs_one_to_24_months(
    formosa: Organisation, months: int | None
) -> None:
    with pytest.raises(ExpiryNotAllowed):
        issue_lot(formosa, kind=GIFT, amount=1, reference="g", at=START, months=months)
    assert not Lot.objects.exists()


@pytest.mark.parametrize("days", [0, -1, 800])
def test_a_promotional_expiry_stays_within_24_months(
    formosa: Organisation, days: int
) -> None:
    with pytest.raises(ExpiryNotAllowed):
        make_lot(formosa, expires_at=START + timedelta(days=days))
    assert not Lot.objects.exists()


def test_nobody_sets_the_expiry_of_sold_credit(formosa: Organisation) -> None:
    with pytest.raises(ExpiryNotAllowed):
        make_lot(formosa, kind=LotKind.PURCHASE, months=24)
    assert not Lot.objects.exists()


def test_a_new_lot_pays_debt_first(formosa: Organisation) -> None:
    """Rule 3.6: the lines name both sides, and clearing is zero again."""
    spend(formosa, amount=7_000_000, reference="c#1", started_at=START, at=START)
    lot = make_lot(formosa, "50", reference="gift:1")
    assert lot.remaining == 43_000_000
    paid = LedgerEntry.objects.filter(kind=EntryKind.PAY_DEBT).order_by("wallet_seq")
    assert [(e.lot_id, e.amount, e.balance_after) for e in paid] == [
        (lot.pk, -7_000_000, 36_000_000),
        (None, 7_000_000, 43_000_000),
    ]
    wallet = Wallet.objects.get(pk=formosa.pk)
    assert (wallet.credit, wallet.debt) == (43_000_000, 0)


def test_a_lot_too_small_for_the_debt_is_used_up_at_once(
    formosa: Organisation,
) -> None:
    spend(formosa, amount=70_000_000, reference="c#1", started_at=START, at=START)
    lot = make_lot(formosa, "50")
    wallet = Wallet.objects.get(pk=formosa.pk)
    assert (lot.remaining, lot.exhausted_at) == (0, START)
    assert (wallet.credit, wallet.debt) == (0, 20_000_000)
    assert wallet.next_expiry_at is None

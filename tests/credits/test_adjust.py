"""Adjustments by staff: one lot down, or debt forgiven; never a lot (rule 3.9)."""

from datetime import timedelta

import pytest

from accounts.models import AuditEvent, Organisation, User
from credits.adjust import forgive_debt, lower_lot
from credits.models import LedgerEntry, Lot, Wallet
from credits.refusals import MoreThanDebt, MoreThanUnheld, ReferenceUsed
from credits.spend import spend
from tests.makers import START, make_lot, make_user

REASON = "Issued by mistake, case 1234."


@pytest.fixture
def staff(db: None) -> User:
    return make_user(is_staff=True)


def lower(lot: Lot, amount: int, staff: User, reference: str = "adjust:1") -> None:
    lower_lot(lot, amount, reference=reference, reason=REASON, at=START, actor=staff)


def forgive(organisation: Organisation, amount: int, staff: User) -> None:
    forgive_debt(
        organisation.pk,
        amount,
        reference="adjust:1",
        reason=REASON,
        at=START,
        actor=staff,
    )


def test_a_lot_is_lowered_once_with_its_reason(
    formosa: Organisation, staff: User
) -> None:
    lot = make_lot(formosa, "10")
    lower(lot, 4_000_000, staff)
    lower(lot, 4_000_000, staff)
    lot.refresh_from_db()
    assert lot.remaining == 6_000_000
    entry = LedgerEntry.objects.get(kind="adjust")
    assert (entry.note, entry.actor) == (REASON, staff)
    event = AuditEvent.objects.get(verb="lower_lot")
    assert (event.before, event.after) == (
        {"balance": "10.000000"},
        {"balance": "6.000000"},
    )


@pytest.mark.parametrize("amount", [0, -1, 10_000_001])
def test_a_lot_is_lowered_by_what_it_has_at_most(
    formosa: Organisation, staff: User, amount: int
) -> None:
    lot = make_lot(formosa, "10")
    with pytest.raises(MoreThanUnheld):
        lower(lot, amount, staff)
    lot.refresh_from_db()
    assert lot.remaining == 10_000_000
    assert not AuditEvent.objects.exists()


def test_what_live_calls_hold_stays(
    formosa: Organisation, staff: User, breached: None
) -> None:
    lot = make_lot(formosa, "10")
    Wallet.objects.update(reserved=3_000_000)  # no holds exist yet, hence a breach
    with pytest.raises(MoreThanUnheld):
        lower(lot, 7_000_001, staff)
    lower(lot, 7_000_000, staff)
    assert Wallet.objects.get(pk=formosa.pk).credit == 3_000_000


def test_an_expired_lot_is_left_to_the_sweep(
    formosa: Organisation, staff: User
) -> None:
    lot = make_lot(formosa, "10", months=1)
    make_lot(formosa, "10", months=12)
    at = lot.expires_at + timedelta(hours=1)
    with pytest.raises(MoreThanUnheld):
        lower_lot(lot, 1, reference="a:1", reason=REASON, at=at, actor=staff)


def test_the_same_reference_with_another_amount_is_refused(
    formosa: Organisation, staff: User
) -> None:
    lot = make_lot(formosa, "10")
    lower(lot, 4, staff)
    with pytest.raises(ReferenceUsed):
        lower(lot, 5, staff)
    assert LedgerEntry.objects.filter(kind="adjust").count() == 1


def test_debt_is_forgiven_up_to_what_is_owed(
    formosa: Organisation, staff: User
) -> None:
    spend(formosa, amount=9, reference="c#1", started_at=START, at=START)
    with pytest.raises(MoreThanDebt):
        forgive(formosa, 10, staff)
    forgive(formosa, 9, staff)
    forgive(formosa, 9, staff)
    assert Wallet.objects.get(pk=formosa.pk).debt == 0
    assert AuditEvent.objects.get().verb == "forgive_debt"


def test_nobody_forgives_what_is_not_owed(formosa: Organisation, staff: User) -> None:
    make_lot(formosa, "10")
    with pytest.raises(MoreThanDebt):
        forgive(formosa, 1, staff)
    assert LedgerEntry.objects.count() == 1

"""One extension per lot, by staff, with a reason (rule 3.8)."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.models import AuditEvent, Organisation, User
from accounts.refusals import fence_code
from credits.draw import LATE_USAGE
from credits.expire import expire_due_lots, lapse_due_lots
from credits.expiry_date import start_of_day
from credits.extend import extend_lot
from credits.models import LedgerEntry, Lot, LotKind, Wallet
from credits.refusals import AlreadyExtended, ExtensionNotAllowed, NothingToExtend
from credits.spend import spend
from tests.makers import START, make_lot, make_organisation, make_user

REASON = "Their office was flooded, case 77."
LATER = date(2027, 3, 31)
MOMENT = timedelta(microseconds=1)


@pytest.fixture
def staff(db: None) -> User:
    return make_user(is_staff=True)


@pytest.fixture
def lot(formosa: Organisation) -> Lot:
    """Bought on New Year's Day in Taipei, valid through the next one."""
    return make_lot(formosa, "10", kind=LotKind.PURCHASE)


def extend(lot: Lot, staff: User, until: date = LATER, **when: object) -> Lot:
    at = when.get("at", START)
    return extend_lot(lot, until, reason=REASON, actor=staff, at=at)  # type: ignore[arg-type]


def test_the_new_last_day_counts_to_its_end(lot: Lot, staff: User) -> None:
    before = lot.expires_at
    extended = extend(lot, staff)
    midnight = start_of_day(date(2027, 4, 1), lot.organisation.zone)
    assert extended.expires_at == midnight
    assert (extended.extended_from, extended.extended_at) == (before, START)
    assert Wallet.objects.get().next_expiry_at == midnight
    event = AuditEvent.objects.get(verb="extend_lot")
    assert (event.object, event.reason) == (f"lot {lot.pk}", REASON)
    assert event.before == {"expires_at": before.isoformat()}


def test_a_second_click_changes_nothing_and_a_second_extension_is_refused(
    lot: Lot, staff: User
) -> None:
    assert extend(lot, staff) == extend(lot, staff)
    assert AuditEvent.objects.filter(verb="extend_lot").count() == 1
    with pytest.raises(AlreadyExtended):
        extend(lot, staff, LATER + timedelta(days=1))


@pytest.mark.parametrize(
    "until", [date(2027, 1, 1), date(2026, 6, 1), date(2028, 1, 2)]
)
def test_an_extension_is_later_and_within_24_months(
    lot: Lot, staff: User, until: date
) -> None:
    with pytest.raises(ExtensionNotAllowed):
        extend(lot, staff, until)
    assert extend(lot, staff, date(2028, 1, 1)).extended_at


def test_what_is_used_up_or_posted_as_expired_is_not_extended(
    lot: Lot, staff: User
) -> None:
    at = lot.expires_at + LATE_USAGE
    expire_due_lots(at)
    with pytest.raises(NothingToExtend):
        extend(lot, staff, at=at)


def test_a_lapsed_lot_is_spendable_again_and_pays_debt_first(
    lot: Lot, staff: User
) -> None:
    organisation, at = lot.organisation, lot.expires_at
    lapse_due_lots(at)
    spend(organisation, amount=3_000_000, reference="c#1", started_at=at, at=at)
    assert Wallet.objects.get().debt == 3_000_000
    extended = extend(lot, staff, at=at)
    wallet = Wallet.objects.get()
    assert (wallet.debt, wallet.lapsed, wallet.credit) == (0, 0, 7_000_000)
    assert extended.lapsed_at is None
    paid = LedgerEntry.objects.filter(kind="pay_debt")
    assert [entry.reference for entry in paid] == [f"extend:{lot.pk}:debt"] * 2
    assert lapse_due_lots(extended.expires_at - MOMENT) == 0
    assert lapse_due_lots(extended.expires_at) == 1


def test_an_extended_lot_is_reminded_of_again(lot: Lot, staff: User) -> None:
    Lot.objects.filter(pk=lot.pk).update(reminded_days=30)
    assert extend(lot, staff).reminded_days is None


@pytest.mark.parametrize(
    "change",
    [
        {"expires_at": START + timedelta(days=900)},
        {"time_zone": "Europe/London"},
        {"extended_at": START},
        {"extended_from": START, "extended_at": START},
    ],
)
def test_the_database_refuses_any_other_change_of_an_expiry(
    lot: Lot, change: dict[str, object]
) -> None:
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        Lot.objects.filter(pk=lot.pk).update(**change)
    assert fence_code(refused.value) == "lot_extended_once"


def test_the_database_refuses_a_second_extension_and_its_undoing(
    lot: Lot, staff: User
) -> None:
    extended = extend(lot, staff)
    before = extended.extended_from
    again = {"expires_at": extended.expires_at + timedelta(days=1)}
    for change in (
        again,
        again | {"extended_from": extended.expires_at, "extended_at": START},
        {"expires_at": before, "extended_from": None, "extended_at": None},
    ):
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            Lot.objects.filter(pk=lot.pk).update(**change)
        assert fence_code(refused.value) == "lot_extended_once"
    extended.save()  # unchanged, it passes


def test_days_are_those_of_the_zone_the_lot_was_counted_in(staff: User) -> None:
    """West of UTC, on the night the clocks go forward at midnight."""
    organisation = make_organisation(time_zone="America/Asuncion")
    lot = make_lot(organisation, "10", months=6)
    extended = extend(lot, staff, date(2027, 10, 2))
    midnight = start_of_day(date(2027, 10, 3), organisation.zone)
    assert extended.expires_at == midnight

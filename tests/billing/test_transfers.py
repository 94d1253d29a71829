"""Announced transfers: the customer announces, staff match, credit follows (4.6)."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from djmoney.money import Money
from pytest_django.fixtures import Settings

from accounts.models import (
    AuditEvent,
    BillingMode,
    Notice,
    NoticeKind,
    Organisation,
    User,
)
from accounts.refusals import fence_code
from accounts.send import compose
from billing.models import (
    NumberSeries,
    StaffPayment,
    StaffPaymentKind,
    TransferAnnouncement,
    TransferState,
)
from billing.prove import prove
from billing.refusals import (
    ClientKeyReused,
    CreditsNotForSale,
    TransferOver,
    codes_of,
)
from billing.staff_payment import record_staff_payment
from billing.transfers.announce_transfer import cancel_transfer
from credits.models import Lot, LotKind, Wallet
from credits.money import to_micros
from tests import makers
from tests.billing.transferring import (
    FEE,
    REASON,
    announce,
    assert_credited,
    assert_proven,
    match,
)
from tests.makers import START


@pytest.fixture(autouse=True)
def _sold(db: None) -> None:
    makers.make_terms("USD")


@pytest.fixture
def staff(settings: Settings) -> User:
    settings.STAFF_NEED_SECOND_FACTOR = False
    return User.objects.create_superuser("staff@provider.example", "correct horse")


# --- announcing -----------------------------------------------------------------------


def test_announcement_is_no_credit_and_has_a_reference(formosa: Organisation) -> None:
    transfer = announce(formosa, purchase_order="PO-77")
    assert re.fullmatch(r"CR-[2-9A-Z]{4}-[2-9A-Z]{4}", transfer.reference)
    assert not set("01IO") & set(transfer.reference.removeprefix("CR"))
    assert (transfer.state, transfer.purchase_order) == ("announced", "PO-77")
    assert transfer.billing_mode == BillingMode.PREPAID
    wallet = Wallet.objects.get(pk=formosa.pk)
    assert (wallet.credit, wallet.incoming) == (0, 0)
    assert not Lot.objects.exists()
    event = AuditEvent.objects.get(verb="announce_transfer")
    assert event.organisation == formosa
    notice = Notice.objects.filter(kind=NoticeKind.TRANSFER_ANNOUNCED).first()
    assert notice is not None
    assert transfer.reference in compose(notice).body
    assert_proven()


def test_same_key_is_the_same_announcement_and_another_amount_is_refused(
    formosa: Organisation,
) -> None:
    first = announce(formosa)
    assert announce(formosa).pk == first.pk
    with pytest.raises(ClientKeyReused):
        announce(formosa, "4000")
    assert TransferAnnouncement.objects.count() == 1
    assert AuditEvent.objects.filter(verb="announce_transfer").count() == 1


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ("49.99", "below_minimum"),
        ("10000.01", "above_maximum"),
        ("100.005", "finer_than_step"),
    ],
)
def test_amount_is_judged_as_that_of_a_card(
    formosa: Organisation, amount: str, code: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        announce(formosa, amount)
    assert code in codes_of(refused.value)
    assert not TransferAnnouncement.objects.exists()


def test_balance_may_not_grow_beyond_the_largest(formosa: Organisation) -> None:
    for _ in range(5):
        makers.make_lot(formosa, "9900", kind=LotKind.PURCHASE)
    with pytest.raises(ValidationError) as refused:
        announce(formosa, "600")
    assert codes_of(refused.value) == {"above_maximum_balance"}


def test_announcement_keeps_amount_reference_and_row(formosa: Organisation) -> None:
    transfer = announce(formosa)
    mine = TransferAnnouncement.objects.filter(pk=transfer.pk)

    def refused(act: Callable[[], object]) -> str:
        with pytest.raises(IntegrityError) as error, transaction.atomic():
            act()
        return fence_code(error.value)

    assert refused(lambda: mine.update(amount=1)) == "sale_keeps_amount"
    assert refused(lambda: mine.update(reference="CR-1")) == "sale_keeps_amount"
    assert refused(mine.delete) == "sale_is_kept"


# --- cancelling -----------------------------------------------------------------------


def test_cancelled_announcement_is_over_and_cannot_be_matched(
    formosa: Organisation, staff: User, alice: User
) -> None:
    transfer = announce(formosa)
    for _ in range(2):
        cancel_transfer(transfer, actor=alice, at=START)
    assert AuditEvent.objects.filter(verb="cancel_transfer").count() == 1
    with pytest.raises(TransferOver):
        match(transfer, by=staff)
    assert not StaffPayment.objects.exists()


def test_transfer_that_arrived_cannot_be_cancelled(
    formosa: Organisation, staff: User, alice: User
) -> None:
    transfer = announce(formosa)
    match(transfer, by=staff)
    with pytest.raises(TransferOver):
        cancel_transfer(transfer, actor=alice, at=START)
    transfer.refresh_from_db()
    assert transfer.state == TransferState.MATCHED
    assert_credited(formosa, "5000")


# --- matching -------------------------------------------------------------------------


def test_matched_transfer_is_credit_with_a_receipt_and_a_message(
    formosa: Organisation, staff: User
) -> None:
    transfer = announce(formosa, purchase_order="PO-77")
    payment = match(transfer, by=staff)
    transfer.refresh_from_db()
    assert (transfer.state, transfer.staff_payment) == ("matched", payment)
    assert transfer.ended_at == START
    assert (payment.purchase_order, payment.receipt_number) == ("PO-77", "R-2026-0001")
    assert payment.note == REASON
    lot = assert_credited(formosa, "5000")
    assert lot.sale_id == payment.pk
    notice = Notice.objects.filter(kind=NoticeKind.TRANSFER_RECEIVED).first()
    assert notice is not None
    body = compose(notice).body
    for said in ("US$5,000.00", "R-2026-0001", "PO-77", "HSBC-1"):
        assert said in body


def test_another_amount_needs_a_reason_and_is_what_is_credited(
    formosa: Organisation, staff: User
) -> None:
    transfer = announce(formosa)
    with pytest.raises(ValidationError) as refused:
        match(transfer, "4985", by=staff)
    assert codes_of(refused.value) == {"difference_not_explained"}
    assert not StaffPayment.objects.exists()
    payment = match(transfer, "4985", by=staff, difference=FEE)
    assert FEE in payment.note
    assert "5,000" in payment.note
    assert_credited(formosa, "4985")


def test_transfer_is_matched_once(formosa: Organisation, staff: User) -> None:
    transfer = announce(formosa)
    match(transfer, by=staff)
    with pytest.raises(TransferOver):
        match(transfer, by=staff, bank_reference="HSBC-2")
    assert_credited(formosa, "5000")


def test_bank_reference_that_was_recorded_before_matches_nothing(
    formosa: Organisation, staff: User
) -> None:
    first, second = announce(formosa), announce(formosa, key="form:2")
    match(first, by=staff)
    with pytest.raises(ValidationError):
        match(second, by=staff)
    second.refresh_from_db()
    assert second.state == TransferState.ANNOUNCED
    assert_credited(formosa, "5000")


def test_2_2_transfer_announced_before_a_move_is_delivered_after_it(
    formosa: Organisation, staff: User
) -> None:
    transfer = announce(formosa)
    move(formosa)
    payment = match(transfer, by=staff)
    assert (payment.billing_mode, payment.announcement) == ("PREPAID", transfer)
    assert_credited(formosa, "5000")


def test_2_2_after_a_move_at_most_what_was_announced_is_delivered(
    formosa: Organisation, staff: User
) -> None:
    transfer = announce(formosa)
    move(formosa)
    with pytest.raises(CreditsNotForSale):
        match(transfer, "5000.01", by=staff, difference="They have rounded it up")
    assert not StaffPayment.objects.exists()
    match(transfer, "4985", by=staff, difference=FEE)
    assert_credited(formosa, "4985")


def move(organisation: Organisation) -> None:
    """Past the verb: what stands in the way is the database's own."""
    move_at = START + timedelta(seconds=1)
    organisation.mode_periods.update(ends_at=move_at)
    organisation.mode_periods.create(billing_mode="NCE", starts_at=move_at)
    Organisation.objects.filter(pk=organisation.pk).update(billing_mode="NCE")


def test_2_1_no_other_payment_passes_by_naming_a_transfer(
    formosa: Organisation, contoso: Organisation, staff: User, alice: User
) -> None:
    """Another's, one that is over, or none: the same code as at every door."""
    others = announce(formosa)
    mine, over = announce(formosa, key="form:2"), announce(formosa, key="form:3")
    cancel_transfer(over, actor=alice, at=START)
    match(mine, by=staff)
    move(formosa)
    for organisation, named in ((contoso, others), (formosa, over), (formosa, None)):
        assert refused_payment(organisation, named, staff) == "credits_not_for_sale"
    prepaid = makers.make_organisation()
    assert refused_payment(prepaid, others, staff) == "payment_names_open_transfer"
    assert StaffPayment.objects.count() == 1


def refused_payment(
    organisation: Organisation, named: TransferAnnouncement | None, staff: User
) -> str:
    """The code with which the database refuses the row, past every verb."""
    payment = StaffPayment(
        organisation=organisation,
        billing_mode="PREPAID",
        bank_reference=f"around {organisation.pk} {named}",
        amount=Money(10, "USD"),
        recorded_by=staff,
        recorded_at=START,
        announcement=named,
    )
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        StaffPayment.objects.bulk_create([payment])
    return fence_code(error.value)


def test_transfer_has_arrived_exactly_when_a_payment_names_it(
    formosa: Organisation, staff: User
) -> None:
    transfer, other = announce(formosa), announce(formosa, key="form:2")
    payment = match(transfer, by=staff)
    acts: list[Callable[[], object]] = [
        lambda: TransferAnnouncement.objects.filter(pk=other.pk).update(
            state=TransferState.MATCHED
        ),
        lambda: TransferAnnouncement.objects.filter(pk=transfer.pk).update(
            state=TransferState.ANNOUNCED
        ),
    ]
    for act in acts:
        with pytest.raises(IntegrityError) as error, transaction.atomic():
            act()
        assert fence_code(error.value) == "transfer_matched_names_payment"
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        StaffPayment.objects.filter(pk=payment.pk).update(announcement=other)
    assert fence_code(error.value) == "sale_keeps_amount"


@pytest.mark.django_db(transaction=True)
def test_two_of_the_staff_at_once_credit_once(
    formosa: Organisation, staff: User
) -> None:
    transfer = announce(formosa)
    start = Barrier(2)

    def at_once(number: int) -> bool:
        try:
            start.wait(timeout=10)
            match(transfer, by=staff, bank_reference=f"HSBC-{number}")
        except TransferOver:
            return False
        else:
            return True
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(at_once, range(2))) == [False, True]
    assert_credited(formosa, "5000")


# --- receipts -------------------------------------------------------------------------


def test_receipts_of_cards_and_transfers_are_one_series_without_gaps(
    formosa: Organisation, staff: User
) -> None:
    for number in range(3):
        with transaction.atomic():
            match(announce(formosa, key="undone"), by=staff, bank_reference="gone")
            transaction.set_rollback(True)
        match(
            announce(formosa, "100", key=f"form:{number}"),
            "100",
            by=staff,
            bank_reference=f"HSBC-{number}",
        )
    numbers = StaffPayment.objects.order_by("pk").values_list("receipt_number")
    assert [number for (number,) in numbers] == [f"R-2026-000{n}" for n in (1, 2, 3)]
    assert_proven()
    NumberSeries.objects.update(last=5)
    found = [breach for breach in prove(at=START).breaches if "receipt" in breach]
    assert len(found) == 2


def test_payment_on_a_purchase_order_says_the_order_and_no_arrival(
    formosa: Organisation, staff: User
) -> None:
    payment = record_staff_payment(
        formosa,
        to_micros("100"),
        bank_reference="PO-2026-9",
        kind=StaffPaymentKind.PURCHASE_ORDER,
        recorded_by=staff,
        note=REASON,
        at=START,
    )
    assert payment.purchase_order == "PO-2026-9"
    notice = Notice.objects.filter(kind=NoticeKind.RECEIPT).first()
    assert notice is not None
    body = compose(notice).body
    assert "PO-2026-9" in body
    assert "arrived" not in body

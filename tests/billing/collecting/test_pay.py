"""Money that staff match with an invoice: parts, references, too much of it (10.2)."""

import pytest

from accounts.models import AuditEvent, Notice, Organisation, StaffTask, User
from billing.collecting.end_invoice import void_invoice
from billing.collecting.pay_invoice import record_invoice_payment, take_back_payment
from billing.models import Invoice, InvoicePayment, InvoicePaymentKind
from billing.refusals import InvoiceNotOwed, MoreThanOwed, ReferenceReused
from tests.billing.collecting.collector import ISSUED, make_draft, make_issued
from tests.billing.test_fences import refusal_of

TRANSFER, STRIPE = InvoicePaymentKind.TRANSFER, InvoicePaymentKind.STRIPE


def pay(
    invoice: Invoice,
    amount: int,
    reference: str,
    by: User | None = None,
    kind: InvoicePaymentKind = TRANSFER,
) -> InvoicePayment:
    return record_invoice_payment(
        invoice,
        kind=kind,
        amount_minor=amount,
        reference=reference,
        actor=by,
        at=ISSUED,
    )


def test_parts_cover_it(formosa: Organisation, alice: User) -> None:
    invoice = make_issued(formosa)
    pay(invoice, 2_345, "TR-1", alice)
    invoice.refresh_from_db()
    assert (invoice.state, invoice.owed_minor) == ("issued", 10_000)
    pay(invoice, 10_000, "TR-2", alice)
    invoice.refresh_from_db()
    assert (invoice.state, invoice.owed_minor) == ("paid", 0)
    assert invoice.paid_at == ISSUED
    mine = Notice.objects.filter(recipient=formosa.billing_email).order_by("pk")
    kinds = [notice.kind for notice in mine]
    assert kinds == ["invoice_issued", "invoice_paid"]
    booked = AuditEvent.objects.filter(verb="record_invoice_payment", actor=alice)
    assert booked.count() == 2


def test_a_reference_counts_once(formosa: Organisation, alice: User) -> None:
    invoice, other = make_issued(formosa), make_issued(formosa)
    first = pay(invoice, 2_345, "TR-1", alice)
    assert pay(invoice, 2_345, "TR-1", alice) == first
    with pytest.raises(ReferenceReused):
        pay(invoice, 2_346, "TR-1", alice)
    with pytest.raises(ReferenceReused):
        pay(other, 2_345, "TR-1", alice)
    invoice.refresh_from_db()
    assert invoice.paid_minor == 2_345


def test_too_much_by_transfer_is_refused(formosa: Organisation, alice: User) -> None:
    invoice = make_issued(formosa)
    for amount in (12_346, 0, -5):
        with pytest.raises(MoreThanOwed):
            pay(invoice, amount, "TR-1", alice)
    with pytest.raises(InvoiceNotOwed):
        pay(make_draft(formosa), 1, "TR-2", alice)
    pay(invoice, 12_345, "TR-3", alice)
    with pytest.raises(InvoiceNotOwed):
        pay(invoice, 1, "TR-4", alice)


def test_too_much_by_card_is_booked_and_left_to_staff(formosa: Organisation) -> None:
    """It has arrived, whatever the invoice says."""
    invoice = make_issued(formosa)
    pay(invoice, 12_345, "pi_1", kind=STRIPE)
    pay(invoice, 12_345, "pi_2", kind=STRIPE)
    invoice.refresh_from_db()
    assert (invoice.state, invoice.paid_minor) == ("paid", 24_690)
    task = StaffTask.objects.get()
    assert task.kind == "invoice_overpaid"
    assert task.detail == "US$123.45 of INV-2026-0001 is the customer's; send it back."


def test_money_for_a_void_invoice_is_left_to_staff(
    formosa: Organisation, alice: User
) -> None:
    invoice = make_issued(formosa)
    void_invoice(invoice, actor=alice, reason="Billed twice, case 12.", at=ISSUED)
    pay(invoice, 12_345, "pi_1", kind=STRIPE)
    invoice.refresh_from_db()
    assert (invoice.state, invoice.paid_minor) == ("void", 12_345)
    assert StaffTask.objects.get().kind == "invoice_overpaid"


def test_taken_back_it_is_late_again(formosa: Organisation) -> None:
    invoice = make_issued(formosa)
    paid = pay(invoice, 12_345, "pi_1", kind=STRIPE)
    for _again in range(2):
        take_back_payment(paid, amount_minor=12_345, reference="dispute:1", at=ISSUED)
    invoice.refresh_from_db()
    assert (invoice.state, invoice.owed_minor, invoice.paid_at) == (
        "late",
        12_345,
        None,
    )
    pay(invoice, 12_345, "dispute:1:won", kind=STRIPE)
    invoice.refresh_from_db()
    assert invoice.state == "paid"


def test_payments_stay_as_they_are(formosa: Organisation) -> None:
    paid = pay(make_issued(formosa), 1, "pi_1", kind=STRIPE)
    changed = "UPDATE billing_invoicepayment SET amount_minor = 2 WHERE id = %s"
    gone = "DELETE FROM billing_invoicepayment WHERE id = %s"
    assert refusal_of(changed, paid.pk) == "invoice_payment_is_kept"
    assert refusal_of(gone, paid.pk) == "invoice_payment_is_kept"

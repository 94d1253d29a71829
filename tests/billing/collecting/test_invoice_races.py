"""Two at the same moment: row locks decide, on PostgreSQL (rules 3.10 and 10.2)."""

import pytest

from accounts.models import Notice, Organisation, User
from billing.collecting.dun_invoices import dun_invoices
from billing.collecting.end_invoice import write_off_invoice
from billing.collecting.issue_invoice import issue_invoice
from billing.collecting.pay_invoice import record_invoice_payment
from billing.models import Invoice, InvoicePayment, InvoicePaymentKind, NumberSeries
from billing.prove import prove
from billing.refusals import InvoiceNotOwed, MoreThanOwed
from tests import makers
from tests.billing.collecting.collector import (
    DAY,
    ISSUED,
    LICENCES,
    make_draft,
    make_issued,
)
from tests.billing.test_top_up_races import at_once

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def assert_proven() -> None:
    assert prove(at=ISSUED).breaches == []


def test_issued_at_once_each_number_is_given_once(formosa: Organisation) -> None:
    other = makers.make_organisation()
    drafts = [make_draft(one, LICENCES) for one in (formosa, other, formosa, other)]
    at_once([lambda one=one: issue_invoice(one, at=ISSUED) for one in drafts * 2])  # type: ignore[misc]
    numbers = sorted(Invoice.objects.values_list("number", flat=True))
    assert numbers == [f"INV-2026-{number:04d}" for number in range(1, 5)]
    assert NumberSeries.objects.get(name="INV-2026").last == 4
    assert_proven()


def test_card_and_transfers_at_once_are_booked_once_each(
    formosa: Organisation, alice: User
) -> None:
    invoice = make_issued(formosa, LICENCES)
    refused: list[Exception] = []

    def pay(kind: InvoicePaymentKind, reference: str, amount: int = 10_000) -> None:
        try:
            record_invoice_payment(
                invoice,
                kind=kind,
                amount_minor=amount,
                reference=reference,
                actor=alice,
                at=ISSUED,
            )
        except (InvoiceNotOwed, MoreThanOwed) as error:
            refused.append(error)

    at_once(
        [
            lambda: pay(InvoicePaymentKind.STRIPE, "pi_1"),
            lambda: pay(InvoicePaymentKind.STRIPE, "pi_1"),
            lambda: pay(InvoicePaymentKind.TRANSFER, "TR-1"),
            lambda: pay(InvoicePaymentKind.TRANSFER, "TR-2", 345),
        ]
    )
    invoice.refresh_from_db()
    booked = sum(InvoicePayment.objects.values_list("amount_minor", flat=True))
    assert invoice.state == "paid"
    assert invoice.paid_minor == booked
    assert InvoicePayment.objects.filter(reference="pi_1").count() == 1
    assert_proven()


def test_dunned_paid_and_given_up_at_once(formosa: Organisation, alice: User) -> None:
    """Whoever comes first, nothing stays stopped for what is not owed."""
    first, second = make_issued(formosa, LICENCES), make_issued(formosa, LICENCES)
    late = ISSUED + 30 * DAY

    def pay() -> None:
        record_invoice_payment(
            first,
            kind=InvoicePaymentKind.STRIPE,
            amount_minor=10_000,
            reference="pi_1",
            actor=None,
            at=late,
        )

    def give_up() -> None:
        reason = "Agreed on the telephone, case 12."
        write_off_invoice(second, actor=alice, reason=reason, at=late)

    at_once([lambda: dun_invoices(late), pay, give_up, lambda: dun_invoices(late)])
    formosa.refresh_from_db()
    assert formosa.restricted_at is None
    assert formosa.suspended_at is None
    told = Notice.objects.filter(recipient=formosa.billing_email, kind="invoice_late")
    assert told.count() <= 2
    assert_proven()

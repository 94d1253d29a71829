"""A bank questions the payment of an invoice: the invoice is late again (rule 10.2).

As with sales, only whether the funds are withdrawn now counts; an inquiry moves none.
Each withdrawal and each return is one row of the invoice's payments, however often and
in whatever order Stripe's events come.
"""

from datetime import datetime

from django.db import transaction

from accounts.staff_tasks import raise_staff_task
from billing.collecting.minor_units import minor_of
from billing.collecting.pay_invoice import record_invoice_payment, take_back_payment
from billing.models import InvoicePayment, InvoicePaymentKind
from billing.reversing.reversal_gateway import SeenDispute
from credits.lock import lock_wallet
from credits.money import amount_text

DISPUTED = "invoice_payment_disputed"


def note_invoice_dispute(seen: SeenDispute, *, at: datetime) -> bool:
    """Whether the payment is one of an invoice; then the invoice follows it."""
    booked = InvoicePayment.objects.select_related("invoice__organisation")
    payment = booked.filter(reference=seen.payment_id, amount_minor__gt=0).first()
    if payment is None or not seen.payment_id:
        return False
    invoice = payment.invoice
    with transaction.atomic():
        lock_wallet(invoice.organisation_id)
        moved = InvoicePayment.objects.filter(reference__startswith=f"{_name(seen)}:")
        is_taken = bool(moved.count() % 2)  # taken, given back, taken again
        name = f"{_name(seen)}:{moved.count() + 1}"
        if seen.is_withdrawn and not is_taken:
            amount = minor_of(seen.amount, seen.currency)
            take_back_payment(payment, amount_minor=amount, reference=name, at=at)
            _tell_staff(payment, seen, at=at)
        elif is_taken and not seen.is_withdrawn:
            record_invoice_payment(
                invoice,
                kind=InvoicePaymentKind.STRIPE,
                amount_minor=minor_of(seen.amount, seen.currency),
                reference=name,
                actor=None,
                note=payment.reference,
                at=at,
            )
    return True


def _name(seen: SeenDispute) -> str:
    return f"dispute:{seen.id}"


def _tell_staff(payment: InvoicePayment, seen: SeenDispute, *, at: datetime) -> None:
    due = seen.evidence_due_at
    by = f"; answer at Stripe by {due:%Y-%m-%d %H:%M} UTC" if due else ""
    raise_staff_task(
        DISPUTED,
        reference=seen.id,
        detail=f"{amount_text(seen.amount)} {seen.currency} of "
        f"{payment.invoice.number}: {seen.reason}{by}.",
        organisation=payment.invoice.organisation,
        at=at,
    )

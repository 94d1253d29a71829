"""What Stripe says about an invoice is compared with ours, and booked once (rule 10.2).

A payment that agrees in currency, customer and our own ids is money that arrived; it is
booked as what arrived, under the payment's own id. One that names no invoice of ours,
or somebody else's, is a task for staff.
"""

from datetime import datetime

from djstripe.models import Customer

from accounts.staff_tasks import raise_staff_task
from billing.collecting import invoice_gateway
from billing.collecting.invoice_gateway import INVOICE, SeenInvoice
from billing.collecting.minor_units import micros_of, minor_of
from billing.collecting.pay_invoice import record_invoice_payment
from billing.gateway import ORGANISATION
from billing.models import Invoice, InvoicePaymentKind
from credits.money import amount_text

NOT_ATTRIBUTED = "invoice_not_attributed"


def work_stripe_invoice(invoice_id: str, *, at: datetime) -> Invoice | None:
    """Fetches an invoice that an event names, and acts on what it says."""
    return apply_stripe_invoice(invoice_gateway.fetch_invoice(invoice_id), at=at)


def work_payment_of_invoice(payment_id: str, *, at: datetime) -> bool:
    """Whether a payment is that of an invoice; then the invoice is worked."""
    invoice_id = invoice_gateway.invoice_paid_by(payment_id)
    if invoice_id:
        work_stripe_invoice(invoice_id, at=at)
    return bool(invoice_id)


def apply_stripe_invoice(seen: SeenInvoice, *, at: datetime) -> Invoice | None:
    """Ours as it stands afterwards; None where Stripe's is none of ours.

    Whatever is not about money that arrived only notes that Stripe was asked.
    """
    invoice = _named(seen)
    if invoice is not None:
        Invoice.objects.filter(pk=invoice.pk).update(looked_at=at)
    if not seen.is_paid or not seen.paid:
        return invoice
    if wrong := differences(invoice, seen):
        _leave_to_staff(invoice, seen, wrong, at=at)
        return invoice
    assert invoice is not None  # noqa: S101  # else it differed
    payment_id = invoice_gateway.payment_of(seen.id)
    record_invoice_payment(
        invoice,
        kind=InvoicePaymentKind.STRIPE,
        amount_minor=minor_of(seen.paid, seen.currency),
        reference=payment_id or seen.id,
        actor=None,
        at=at,
    )
    invoice.refresh_from_db()
    return invoice


def differences(invoice: Invoice | None, seen: SeenInvoice) -> dict[str, str]:
    """Where Stripe's invoice does not agree with ours; empty if it is ours."""
    if invoice is None:
        return {INVOICE: f"{INVOICE}: names no invoice of ours"}
    expected: dict[str, tuple[object, object]] = {
        "currency": (invoice.currency, seen.currency),
        ORGANISATION: (str(invoice.organisation_id), seen.metadata.get(ORGANISATION)),
        "customer": (_customer_of(invoice, seen), seen.customer_id),
        "amount": (seen.due, seen.paid),
    }
    if seen.due > micros_of(invoice.total_minor, invoice.currency):
        expected["total"] = (micros_of(invoice.total_minor, invoice.currency), seen.due)
    return {
        name: f"{name}: expected {ours}, Stripe says {theirs}"
        for name, (ours, theirs) in expected.items()
        if ours != theirs
    }


def _named(seen: SeenInvoice) -> Invoice | None:
    named = seen.metadata.get(INVOICE, "")
    if not named.isdecimal():
        return None
    issued = Invoice.objects.issued().select_related("organisation")
    return issued.filter(pk=int(named)).first()


def _customer_of(invoice: Invoice, seen: SeenInvoice) -> str:
    """The customer's id where the organisation's own is among them."""
    mine = Customer.objects.filter(subscriber=invoice.organisation_id)
    found = list(mine.values_list("id", flat=True))
    return seen.customer_id if seen.customer_id in found else ", ".join(found)


def _leave_to_staff(
    invoice: Invoice | None, seen: SeenInvoice, wrong: dict[str, str], *, at: datetime
) -> None:
    amount = f"{amount_text(seen.paid)} {seen.currency}"
    raise_staff_task(
        NOT_ATTRIBUTED,
        reference=seen.id,
        detail=f"{amount} paid: " + "; ".join(wrong.values()),
        organisation=invoice.organisation if invoice else None,
        at=at,
    )

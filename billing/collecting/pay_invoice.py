"""Money arrives for an invoice, or is taken back (rule 10.2).

Each payment is one row, known by its reference, that never changes; money taken back is
a row with the opposite sign. The verbs lock the wallet, then the invoice.
"""

from datetime import datetime

from django.db import transaction
from django_q.tasks import async_task

from accounts.audit import record_audit
from accounts.models import User
from billing.collecting.minor_units import micros_of
from billing.collecting.settle_invoice import COLLECT, settle_invoice
from billing.models import Invoice, InvoicePayment, InvoicePaymentKind, InvoiceState
from billing.refusals import InvoiceNotOwed, MoreThanOwed, ReferenceReused
from credits.lock import lock_wallet
from credits.money import amount_text


def record_invoice_payment(
    invoice: Invoice,
    *,
    kind: InvoicePaymentKind,
    amount_minor: int,
    reference: str,
    actor: User | None,
    at: datetime,
    note: str = "",
) -> InvoicePayment:
    """The payment, whole or part; the same reference gives the first again.

    `amount_minor` is in minor units of the invoice's currency, more than 0. Raises
    ReferenceReused; of a transfer also InvoiceNotOwed and MoreThanOwed. Money that came
    by card is there whatever the invoice says: too much of it is a task for staff.
    """
    with transaction.atomic():
        lock_wallet(invoice.organisation_id)
        found = Invoice.objects.select_for_update().get(pk=invoice.pk)
        known = InvoicePayment.objects.filter(reference=reference).first()
        if known is not None:
            if (known.invoice_id, known.amount_minor) != (found.pk, amount_minor):
                raise ReferenceReused
            return known
        if kind == InvoicePaymentKind.TRANSFER:
            if not found.is_owed:
                raise InvoiceNotOwed
            if not 0 < amount_minor <= found.owed_minor:
                raise MoreThanOwed
        payment = _book(found, kind, amount_minor, reference, actor, note, at=at)
        settle_invoice(found, at=at)
        # Stripe's invoice is to ask for what is left, or for nothing.
        async_task(COLLECT, found.pk)
    return payment


def take_back_payment(
    payment: InvoicePayment, *, amount_minor: int, reference: str, at: datetime
) -> InvoicePayment:
    """The row that takes a payment back, whole or part: the invoice is late again."""
    with transaction.atomic():
        lock_wallet(payment.invoice.organisation_id)
        found = Invoice.objects.select_for_update().get(pk=payment.invoice_id)
        known = InvoicePayment.objects.filter(reference=reference).first()
        if known is not None:
            return known
        if found.state == InvoiceState.PAID:
            found.state = InvoiceState.LATE
            found.paid_at = found.ended_at = None
        kind, said = InvoicePaymentKind(payment.kind), payment.reference
        taken = _book(found, kind, -amount_minor, reference, None, said, at=at)
        settle_invoice(found, at=at)  # what was paid too much may cover it still
        async_task(COLLECT, found.pk)
    return taken


def _book(  # noqa: PLR0917  # a row, column by column
    invoice: Invoice,
    kind: InvoicePaymentKind,
    amount_minor: int,
    reference: str,
    actor: User | None,
    note: str,
    *,
    at: datetime,
) -> InvoicePayment:
    before = invoice.paid_minor
    invoice.paid_minor += amount_minor
    invoice.save(update_fields=["paid_minor", "state", "paid_at", "ended_at"])
    payment = InvoicePayment.objects.create(
        invoice=invoice,
        kind=kind,
        amount_minor=amount_minor,
        reference=reference,
        received_at=at,
        recorded_by=actor,
        note=note,
    )
    record_audit(
        "record_invoice_payment" if amount_minor > 0 else "take_back_invoice_payment",
        at=at,
        organisation=invoice.organisation,
        actor=actor,
        object=invoice.reference,
        reason=note,
        before={"paid": amount_text(micros_of(before, invoice.currency))},
        after={
            "paid": amount_text(micros_of(invoice.paid_minor, invoice.currency)),
            "reference": reference,
        },
    )
    return payment

"""What follows when less is owed: an invoice is paid, and what it stopped goes on.

Called inside the transaction of whatever changed it: a payment, a credit note, an end
by staff. The wallet is locked, and so is the invoice.
"""

from datetime import datetime

from accounts.models import NoticeKind
from accounts.notify import owe_notice
from accounts.staff_tasks import raise_staff_task
from billing.collecting.minor_units import micros_of
from billing.collecting.service_stops import lift_stops
from billing.models import Invoice, InvoiceState
from credits.display import money_text

COLLECT = "billing.jobs.collect_invoice"  # what is owed changed: Stripe is told
OVERPAID = "invoice_overpaid"
SETTLED_BY_MONEY = (InvoiceState.ISSUED, InvoiceState.LATE, InvoiceState.WRITTEN_OFF)


def settle_invoice(invoice: Invoice, *, at: datetime) -> bool:
    """Whether nothing is owed on it any more; then it is paid and stops are lifted.

    More money than it asked for is a task for staff.
    """
    is_covered = invoice.owed_minor <= 0
    if is_covered and invoice.state in SETTLED_BY_MONEY:
        invoice.state = InvoiceState.PAID
        invoice.paid_at = invoice.ended_at = at
        invoice.save(update_fields=["state", "paid_at", "ended_at"])
        if invoice.paid_minor:
            _tell_paid(invoice, at=at)
    _note_too_much(invoice, at=at)
    if is_covered:
        lift_stops(invoice.organisation_id, at=at)
    return is_covered


def _note_too_much(invoice: Invoice, *, at: datetime) -> None:
    """Money for what asks for less, or for nothing, belongs to the customer."""
    is_void = invoice.state == InvoiceState.VOID
    over = invoice.paid_minor if is_void else -invoice.owed_minor
    if over <= 0:
        return
    amount = money_text(micros_of(over, invoice.currency), invoice.currency)
    raise_staff_task(
        OVERPAID,
        reference=f"{invoice.reference}:{over}",
        detail=f"{amount} of {invoice.number} is the customer's; send it back.",
        organisation=invoice.organisation,
        at=at,
    )


def _tell_paid(invoice: Invoice, *, at: datetime) -> None:
    owe_notice(
        NoticeKind.INVOICE_PAID,
        organisation=invoice.organisation,
        # Paid again after a dispute, it is told again.
        episode=f"{invoice.reference}:{at.isoformat()}",
        context={
            "number": invoice.number,
            "amount": micros_of(invoice.paid_minor, invoice.currency),
            "currency": invoice.currency,
            "paid_at": at.isoformat(),
            "path": invoice.get_absolute_url(),
        },
        at=at,
    )

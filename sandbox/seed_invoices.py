"""The demo's last closed month: an invoice each, paid by transfer if it is time."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from accounts.models import Organisation, User
from billing.collecting.issue_invoice import issue_invoice
from billing.collecting.pay_invoice import record_invoice_payment
from billing.invoicing.close_due import due_month
from billing.invoicing.close_month import close_month
from billing.models import InvoicePaymentKind
from credits.draw import LATE_USAGE
from credits.expiry_date import start_of_day

ISSUED_AFTER = LATE_USAGE + timedelta(hours=1)  # the month's end
PAID_AFTER = timedelta(days=9)  # the invoice


def month_ends(organisation: Organisation, at: datetime) -> Iterator[datetime]:
    """When its newest month that is due by now was closed."""
    month = due_month(organisation.zone, at)
    following = (month + timedelta(days=31)).replace(day=1)
    yield start_of_day(following, organisation.zone) + ISSUED_AFTER


def add_invoice(
    organisation: Organisation, *, staff: User, at: datetime, now: datetime
) -> None:
    """Closes the month that was due at a moment, bills it, and has it paid in time."""
    month: date = due_month(organisation.zone, at)
    invoice = close_month(organisation, month, at=at).invoice
    if invoice is None:
        return
    invoice = issue_invoice(invoice, at=at)
    paid_at = at + PAID_AFTER
    if paid_at < now and invoice.owed_minor > 0:
        record_invoice_payment(
            invoice,
            kind=InvoicePaymentKind.TRANSFER,
            amount_minor=invoice.owed_minor,
            reference=f"demo-{invoice.number}",
            actor=staff,
            at=paid_at,
        )

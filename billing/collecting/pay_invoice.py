"""Money arrives for an invoice, or is taken back (rule 10.2)."""

from datetime import datetime

from accounts.models import User
from billing.models import Invoice, InvoicePayment, InvoicePaymentKind


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
    """The payment; the same reference gives the first again."""
    raise NotImplementedError

"""A draft becomes an invoice: numbered, dated, and owed (rule 10.2)."""

from datetime import datetime

from billing.models import Invoice


def issue_invoice(invoice: Invoice, *, at: datetime) -> Invoice:
    """The invoice with its number, parties and due date."""
    raise NotImplementedError

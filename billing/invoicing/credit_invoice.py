"""Takes back an issued invoice, whole or line by line, by a credit note (rule 10.2)."""

from collections.abc import Sequence
from datetime import datetime

from accounts.models import User
from billing.models import Invoice, InvoiceLine


def credit_invoice(
    invoice: Invoice,
    *,
    lines: Sequence[InvoiceLine] | None = None,
    actor: User,
    reason: str,
    at: datetime,
) -> Invoice:
    """The credit note; without `lines` it takes back all that is left."""
    raise NotImplementedError

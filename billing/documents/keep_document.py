"""A document is rendered once, kept with its checksum, never made again (rule 10.2).

From stored rows and from the parties as they were written down that day, in the
organisation's language; what is asked for again is what was kept.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime

from accounts.models import Language, Organisation
from billing.documents.invoice_sheet import invoice_pdf
from billing.documents.receipt_sheet import payment_pdf, top_up_pdf
from billing.models import Document, Invoice, StaffPayment, TopUp


def keep_document(invoice: Invoice, *, at: datetime) -> Document:
    """The PDF of an issued invoice or credit note."""
    return keep(
        invoice.organisation,
        invoice.reference,
        Language(invoice.parties["language"]),
        lambda: invoice_pdf(invoice),
        at=at,
    )


def keep_receipt(sale: TopUp | StaffPayment, *, at: datetime) -> Document:
    """The PDF of the receipt of a paid sale."""
    organisation = sale.organisation

    def render() -> bytes:
        return top_up_pdf(sale) if isinstance(sale, TopUp) else payment_pdf(sale)

    name, language = f"receipt:{sale.receipt_number}", Language(organisation.language)
    return keep(organisation, name, language, render, at=at)


def keep(
    organisation: Organisation,
    reference: str,
    language: Language,
    render: Callable[[], bytes],
    *,
    at: datetime,
) -> Document:
    """The document of that reference: the one that is kept, or made now.

    Two that ask at once get the same: the second finds what the first has kept.
    """
    kept = Document.objects.filter(organisation=organisation, reference=reference)
    if (found := kept.first()) is not None:
        return found
    content = render()
    made, _is_new = Document.objects.get_or_create(
        organisation=organisation,
        reference=reference,
        defaults={
            "language": language,
            "sha256": hashlib.sha256(content).hexdigest(),
            "content": content,
            "rendered_at": at,
        },
    )
    return made

"""The pages of documents: a late invoice paid in part, one that is paid, a credit."""

from datetime import datetime, timedelta

from accounts.models import Organisation, ProviderSettings, User
from billing.collecting.dun_invoices import dun_invoices
from billing.collecting.pay_invoice import record_invoice_payment
from billing.invoicing.credit_invoice import credit_invoice
from billing.models import InvoicePaymentKind
from tests.billing.collecting.collector import CALLS, make_issued


def invoice_pages(formosa: Organisation, alice: User, at: datetime) -> list[str]:
    """Addresses of the list and of one document of each kind."""
    provider = ProviderSettings.current()
    provider.bank_details = "Bank of Taiwan (004)\nAccount 1234 5678 9012"
    provider.save()
    paid = make_issued(formosa, CALLS, tax=117, at=at - timedelta(days=60))
    late = make_issued(formosa, tax=617, at=at - timedelta(days=17))
    fresh = make_issued(formosa, CALLS, at=at)
    for invoice, amount in ((paid, paid.total_minor), (late, 2_000)):
        record_invoice_payment(
            invoice,
            kind=InvoicePaymentKind.TRANSFER,
            amount_minor=amount,
            reference=f"TR-{invoice.pk}",
            actor=alice,
            at=at - timedelta(days=2),
        )
    reason, lines = "Wrong price list, case 12.", list(late.lines.filter(kind="usage"))
    note = credit_invoice(late, lines=lines, actor=alice, reason=reason, at=at)
    dun_invoices(at)
    pages = [one.get_absolute_url() for one in (paid, late, fresh, note)]
    return ["/invoices/", "/invoices/?kind=receipt", *pages]

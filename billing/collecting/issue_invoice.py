"""A draft becomes an invoice: numbered, dated, and owed (rule 10.2).

One transaction, wallet first: the number (without gaps, in the series of the
organisation's own year), both parties as they are now, the due date, the PDF and the
message. From then on the database refuses changes. Stripe is asked by a job afterwards.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django_q.tasks import async_task

from accounts.audit import record_audit
from accounts.models import NoticeKind, Organisation, ProviderSettings, User
from accounts.notify import owe_notice
from billing.collecting.minor_units import micros_of
from billing.collecting.parties import parties_of
from billing.collecting.settle_invoice import COLLECT, settle_invoice
from billing.documents.keep_document import keep_document
from billing.models import Invoice, InvoiceKind, InvoiceState
from billing.numbers import take_number
from credits.lock import lock_wallet
from credits.money import amount_text

SERIES = {InvoiceKind.INVOICE: "INV", InvoiceKind.CREDIT_NOTE: "CN"}


def issue_invoice(
    invoice: Invoice, *, at: datetime, actor: User | None = None, reason: str = ""
) -> Invoice:
    """The invoice, issued and owed; issued before, it is returned as it is.

    One that asks for nothing is paid at once. Locks the wallet, then the invoice.
    """
    with transaction.atomic():
        lock_wallet(invoice.organisation_id)
        found = Invoice.objects.select_for_update().get(pk=invoice.pk)
        if found.state != InvoiceState.DRAFT:
            return found
        _number(found, at=at)
        record_audit(
            "issue_invoice",
            at=at,
            organisation=found.organisation,
            actor=actor,
            object=found.reference,
            reason=reason,
            after={"number": found.number, "total": amount_text(total_of(found))},
        )
        _tell(found, at=at)
        keep_document(found, at=at)
        if found.kind == InvoiceKind.INVOICE and not settle_invoice(found, at=at):
            async_task(COLLECT, found.pk)
    return found


def issue_drafts(at: datetime, *, limit: int = 50) -> int:
    """Issues the oldest drafts; how many. Called again, it goes on with the others."""
    drafts = Invoice.objects.filter(state=InvoiceState.DRAFT, drafted_at__lte=at)
    oldest = list(drafts.order_by("drafted_at", "pk")[:limit])
    for draft in oldest:
        issue_invoice(draft, at=at)
    return len(oldest)


def total_of(invoice: Invoice) -> int:
    """The invoice's total in micros."""
    return micros_of(invoice.total_minor, invoice.currency)


def _number(invoice: Invoice, *, at: datetime) -> None:
    organisation = Organisation.objects.get(pk=invoice.organisation_id)
    provider, today = ProviderSettings.current(), organisation.local_day(at)
    invoice.organisation = organisation
    series = SERIES[InvoiceKind(invoice.kind)]
    invoice.parties = parties_of(organisation, provider)
    if invoice.kind == InvoiceKind.INVOICE:
        invoice.due_on = today + timedelta(days=provider.days_to_pay)
    invoice.number = take_number(f"{series}-{today.year}")
    invoice.state = InvoiceState.ISSUED
    invoice.issued_at = at
    invoice.dunned = 1  # the message of today
    invoice.save()


def _tell(invoice: Invoice, *, at: datetime) -> None:
    is_bill = invoice.kind == InvoiceKind.INVOICE
    total = total_of(invoice)
    facts: dict[str, str | int] = {
        "number": invoice.number,
        "amount": total if is_bill else -total,
        "currency": invoice.currency,
        "path": invoice.get_absolute_url(),
    }
    kind = NoticeKind.CREDIT_NOTE
    if is_bill:
        kind = NoticeKind.INVOICE_ISSUED
        facts["due_on"] = invoice.due_on.isoformat() if invoice.due_on else ""
        facts["month"] = invoice.month.isoformat() if invoice.month else ""
    elif invoice.credits is not None:
        facts["invoice"] = invoice.credits.number
    owe_notice(
        kind,
        organisation=invoice.organisation,
        episode=invoice.reference,
        context=facts,
        at=at,
    )

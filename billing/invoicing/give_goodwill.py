"""Staff lower a draft by goodwill: a negative line, where credit cannot be held (2.1).

The line stands before the tax, which is worked out anew, and the minor units of all
lines are shared out again. Locks the wallet, then the invoice.
"""

from datetime import datetime

from django.db import transaction

from accounts.audit import record_audit
from accounts.models import User
from billing.invoicing.draft import DraftLine, share_minors, with_tax
from billing.invoicing.refusals import MoreThanTheInvoice, NotADraft
from billing.models import Invoice, InvoiceKind, InvoiceLine, InvoiceState, LineKind
from billing.reasons import check_reason
from credits.lock import lock_wallet
from credits.money import Micros, currency_of


def give_goodwill(
    invoice: Invoice, amount: Micros, *, actor: User, reason: str, at: datetime
) -> Invoice:
    """The draft, lower by `amount` before tax, in micros of its currency.

    Raises NotADraft and MoreThanTheInvoice.
    """
    with transaction.atomic():
        lock_wallet(invoice.organisation_id)
        draft = Invoice.objects.select_for_update().get(pk=invoice.pk)
        check_reason(reason)
        if draft.state != InvoiceState.DRAFT or draft.kind != InvoiceKind.INVOICE:
            raise NotADraft
        lines = list(draft.lines.order_by("position"))
        net = sum(line.amount for line in lines if line.kind != LineKind.TAX)
        if not 0 < amount <= net:
            raise MoreThanTheInvoice
        _rewrite(draft, [*_said(lines), _goodwill(amount, reason)], _tax_of(lines))
        record_audit(
            "give_goodwill",
            at=at,
            organisation=draft.organisation,
            actor=actor,
            object=draft.reference,
            reason=reason,
            after={"amount": amount, "total_minor": draft.total_minor},
        )
    return draft


def _goodwill(amount: Micros, reason: str) -> DraftLine:
    return DraftLine(LineKind.GOODWILL, -amount, {"note": reason})


def _said(lines: list[InvoiceLine]) -> list[DraftLine]:
    return [
        DraftLine(LineKind(line.kind), line.amount, line.facts)
        for line in lines
        if line.kind != LineKind.TAX
    ]


def _tax_of(lines: list[InvoiceLine]) -> InvoiceLine | None:
    return next((line for line in lines if line.kind == LineKind.TAX), None)


def _rewrite(draft: Invoice, lines: list[DraftLine], tax: InvoiceLine | None) -> None:
    if tax is not None:
        lines = with_tax(lines, name=tax.facts["name"], percent=tax.tax_percent)
    minors = share_minors([line.amount for line in lines], currency_of(draft.currency))
    draft.lines.all().delete()
    InvoiceLine.objects.bulk_create(
        InvoiceLine(
            invoice=draft,
            position=place,
            kind=line.kind,
            facts=line.said,
            amount=line.amount,
            minor=minor,
            tax_percent=line.tax_percent,
        )
        for place, (line, minor) in enumerate(zip(lines, minors, strict=True), start=1)
    )
    draft.total_minor = sum(minors)
    draft.tax_minor = sum(
        minor
        for line, minor in zip(lines, minors, strict=True)
        if line.kind == LineKind.TAX
    )
    draft.save(update_fields=["total_minor", "tax_minor"])

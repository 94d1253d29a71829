"""Takes back an issued invoice, whole or line by line, by a credit note (rule 10.2).

A credit note has the lines it takes back with the opposite sign, each the same minor
units, and their share of the tax: of all of it exactly once the last line is taken. So
the note of everything is the total with the opposite sign, and notes never take more
than is left. The ledger is left alone: a debt that an invoice bills stays moved there,
what is to be given back beyond the invoice is credit or goodwill. Locks the wallet,
then the invoice.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import QuerySet, Sum
from django_q.tasks import async_task

from accounts.models import User
from billing.collecting.issue_invoice import issue_invoice
from billing.collecting.settle_invoice import COLLECT, settle_invoice
from billing.invoicing.refusals import LineNotCreditable, NothingToCredit
from billing.models import Invoice, InvoiceKind, InvoiceLine, InvoiceState, LineKind
from billing.reasons import check_reason
from credits.lock import lock_wallet
from credits.money import Micros

CREDITABLE = (InvoiceState.ISSUED, InvoiceState.LATE, InvoiceState.PAID)


class TaxShare(NamedTuple):
    """The part of an invoice's tax that goes back with some lines."""

    line: InvoiceLine
    amount: Micros
    minor: int


def credit_invoice(
    invoice: Invoice,
    *,
    lines: Sequence[InvoiceLine] | None = None,
    actor: User,
    reason: str,
    at: datetime,
) -> Invoice:
    """The credit note; without `lines` it takes back all that is left.

    Raises NothingToCredit and LineNotCreditable.
    """
    with transaction.atomic():
        lock_wallet(invoice.organisation_id)
        found = Invoice.objects.select_for_update().get(pk=invoice.pk)
        check_reason(reason)
        if found.state not in CREDITABLE or found.total_minor <= 0:
            raise NothingToCredit
        chosen = _chosen(found, lines)
        shares = _tax_shares(found, chosen)
        note = _draft(found, chosen, shares, at=at)
        found.credited_minor -= note.total_minor
        found.save(update_fields=["credited_minor"])
        note = issue_invoice(note, at=at, actor=actor, reason=reason)
        if not settle_invoice(found, at=at):
            async_task(COLLECT, found.pk)
    return note


def creditable_lines(invoice: Invoice) -> list[InvoiceLine]:
    """Lines that may still be taken back; tax goes along with them."""
    lines = invoice.lines.exclude(kind=LineKind.TAX)
    return list(lines.filter(credited_by=None).order_by("position"))


def _chosen(invoice: Invoice, lines: Sequence[InvoiceLine] | None) -> list[InvoiceLine]:
    left = creditable_lines(invoice)
    if not left:
        raise NothingToCredit
    if lines is None:
        return left
    wanted = {line.pk for line in lines}
    chosen = [line for line in left if line.pk in wanted]
    if not chosen or len(chosen) != len(wanted):
        raise LineNotCreditable
    return chosen


def _tax_shares(invoice: Invoice, chosen: Collection[InvoiceLine]) -> list[TaxShare]:
    """By the part of the net that is taken back by then; cut, whole at the end."""
    notes = InvoiceLine.objects.filter(invoice__credits=invoice)
    shares = []
    for tax in invoice.lines.filter(kind=LineKind.TAX, tax_percent__gt=0):
        net = [
            line.amount
            for line in invoice.lines.exclude(kind=LineKind.TAX)
            if line.tax_percent == tax.tax_percent
        ]
        before = notes.filter(tax_percent=tax.tax_percent)
        gone = -_sum(before.exclude(kind=LineKind.TAX), "amount")
        gone += sum(
            line.amount for line in chosen if line.tax_percent == tax.tax_percent
        )
        given = before.filter(kind=LineKind.TAX)
        shares.append(
            TaxShare(
                tax,
                _part(tax.amount, gone, sum(net)) + _sum(given, "amount"),
                _part(tax.minor, gone, sum(net)) + _sum(given, "minor"),
            )
        )
    return shares


def _part(whole: int, gone: Micros, net: Micros) -> int:
    if gone == net or not net:
        return whole
    return whole * gone // net


def _sum(lines: "QuerySet[InvoiceLine]", name: str) -> int:
    return lines.aggregate(sum=Sum(name))["sum"] or 0


def _draft(
    invoice: Invoice,
    chosen: Collection[InvoiceLine],
    shares: Collection[TaxShare],
    *,
    at: datetime,
) -> Invoice:
    """The note with its lines, which are written only while it is a draft."""
    tax = -sum(share.minor for share in shares)
    total = tax - sum(line.minor for line in chosen)
    left = invoice.total_minor - invoice.credited_minor
    if not 0 <= -total <= left:  # without its goodwill, a line may be more than is left
        raise LineNotCreditable
    note = Invoice.objects.create(
        organisation=invoice.organisation,
        kind=InvoiceKind.CREDIT_NOTE,
        credits=invoice,
        billing_mode=invoice.billing_mode,
        month=invoice.month,
        currency=invoice.currency,
        total_minor=total,
        tax_minor=tax,
        purchase_order=invoice.purchase_order,
        drafted_at=at,
    )
    rows: list[tuple[InvoiceLine, InvoiceLine | None, Micros, int]] = [
        (line, line, line.amount, line.minor) for line in chosen
    ]
    rows += [(share.line, None, share.amount, share.minor) for share in shares]
    InvoiceLine.objects.bulk_create(
        InvoiceLine(
            invoice=note,
            position=place,
            kind=line.kind,
            facts=line.facts,
            amount=-amount,
            minor=-minor,
            tax_percent=line.tax_percent,
            credits=taken,
        )
        for place, (line, taken, amount, minor) in enumerate(rows, start=1)
        if taken is not None or amount or minor
    )
    return note

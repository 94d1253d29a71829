"""Proves invoices from their lines, the charges and the ledger; changes nothing.

Invariants 23 and 24: lines add up to their invoice, exact lines of calls to the charges
that closed months cover, lines of debt to the entries that moved it, credit notes to
what their invoice says was credited, payments to what was paid; and every number
given stands on one document.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Any

from django.db.models import F, Max, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from billing.invoicing.read_usage import Billed, read_usage
from billing.models import (
    ClosedMonth,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoicePayment,
    LineKind,
    NumberSeries,
)
from calling.pool_size import next_month
from credits.models import EntryKind, LedgerEntry
from credits.money import Micros

USAGE = (LineKind.USAGE, LineKind.LATE_USAGE)


def prove_invoices(organisation_id: int | None = None) -> Iterator[str]:
    mine = Q(organisation=organisation_id) if organisation_id else Q()
    invoices = Invoice.objects.filter(mine).order_by("pk")
    yield from _totals(invoices)
    yield from _credited(invoices)
    yield from _paid(invoices)
    yield from _usage(mine)
    yield from _debt(mine)
    if organisation_id is None:
        yield from _number_gaps()


def _totals(invoices: "QuerySet[Invoice]") -> Iterator[str]:
    lines = InvoiceLine.objects.filter(invoice=OuterRef("pk")).order_by()
    summed = lines.values("invoice").annotate(sum=Sum("minor")).values("sum")
    taxed = summed.filter(kind=LineKind.TAX)
    wrong = invoices.annotate(
        said=Coalesce(Subquery(summed), 0), tax=Coalesce(Subquery(taxed), 0)
    ).exclude(said=F("total_minor"), tax=F("tax_minor"))
    for one in wrong:
        yield (
            f"{one.reference}: total {one.total_minor} with tax {one.tax_minor}, "
            f"its lines {one.said} with {one.tax} (24)"
        )


def _credited(invoices: "QuerySet[Invoice]") -> Iterator[str]:
    notes = Invoice.objects.filter(credits=OuterRef("pk")).order_by()
    summed = notes.values("credits").annotate(sum=-Sum("total_minor")).values("sum")
    credited = invoices.filter(kind=InvoiceKind.INVOICE).annotate(
        noted=Coalesce(Subquery(summed), 0)
    )
    for one in credited.exclude(noted=F("credited_minor")):
        noted = one.noted
        yield f"{one.reference}: credited {one.credited_minor}, notes {noted} (24)"


def _paid(invoices: "QuerySet[Invoice]") -> Iterator[str]:
    payments = InvoicePayment.objects.filter(invoice=OuterRef("pk")).order_by()
    summed = payments.values("invoice").annotate(sum=Sum("amount_minor")).values("sum")
    booked = invoices.annotate(booked=Coalesce(Subquery(summed), 0))
    for one in booked.exclude(booked=F("paid_minor")):
        yield f"{one.reference}: paid {one.paid_minor}, payments {one.booked} (24)"


def _usage(mine: Q) -> Iterator[str]:
    """What closed months cover was billed, to the micro, and nothing else."""
    said = _line_sums(mine, USAGE)
    for closed, ids in _newest(mine).items():
        month, up_to_charge = closed
        used = read_usage(
            [Billed(pk, date.min, 0) for pk in sorted(ids)],
            month=month,
            until=next_month(month),
            up_to_charge=up_to_charge,
        )
        for pk in sorted(ids):
            charged = sum(one.amount for one in used.get(pk, ()))
            lines = said.pop(pk, 0)
            if charged != lines:
                yield f"organisation {pk}: {charged} closed, {lines} billed (24)"
    for pk in sorted(said):
        yield f"organisation {pk}: calls were billed and no month is closed (24)"


def _newest(mine: Q) -> dict[tuple[date, int], set[int]]:
    """Who was billed up to the same month and charge."""
    newest = ClosedMonth.objects.filter(mine).order_by("organisation_id", "month")
    marks = {row[0]: row[1:] for row in newest.values_list(*_MARK)}
    groups: dict[tuple[date, int], set[int]] = defaultdict(set)
    for pk, mark in marks.items():
        groups[mark].add(pk)
    return groups


_MARK = ("organisation_id", "month", "up_to_charge")


def _debt(mine: Q) -> Iterator[str]:
    """What moved until the newest close stands on invoices, the same sum."""
    said = _line_sums(mine, [LineKind.DEBT])
    closed = ClosedMonth.objects.filter(organisation=OuterRef("organisation"))
    newest = closed.order_by().values("organisation").annotate(at=Max("closed_at"))
    entries = LedgerEntry.objects.filter(mine, kind=EntryKind.DEBT_INVOICED)
    before = entries.filter(booked_at__lte=Subquery(newest.values("at"))).order_by()
    sums = before.values("organisation").annotate(sum=Sum("amount"))
    moved = dict(sums.values_list("organisation", "sum"))
    for pk in sorted(said.keys() | moved.keys()):
        if said.get(pk, 0) != moved.get(pk, 0):
            amounts = f"{moved.get(pk, 0)} of debt moved, {said.get(pk, 0)} billed"
            yield f"organisation {pk}: {amounts} (23)"


def _line_sums(mine: Q, kinds: Any) -> dict[int, Micros]:
    invoices = Invoice.objects.filter(mine, kind=InvoiceKind.INVOICE)
    lines = InvoiceLine.objects.filter(invoice__in=invoices, kind__in=kinds)
    sums = lines.order_by().values("invoice__organisation").annotate(sum=Sum("amount"))
    return dict(sums.values_list("invoice__organisation", "sum"))


def _number_gaps() -> Iterator[str]:
    """Every number that was handed out stands on one document."""
    series = NumberSeries.objects.filter(
        Q(name__startswith="INV-") | Q(name__startswith="CN-")
    )
    for one in series:
        numbers = Invoice.objects.filter(number__startswith=f"{one.name}-")
        used = Counter(
            int(number.rpartition("-")[2])
            for number in numbers.values_list("number", flat=True)
        )
        for number in sorted(set(range(1, one.last + 1)) ^ used.keys()):
            yield f"{one.name}-{number:04d}: missing or never given (24)"

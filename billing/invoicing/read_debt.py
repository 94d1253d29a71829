"""Reads which debt no invoice has billed yet (rules 2.3 and 10.1).

An invoice bills what the ledger has moved to invoices and no line has said so far. So a
debt that is undone after it was invoiced (rule 6.7) comes back on the next invoice with
the other sign, and whatever was posted anew in its place is billed there.
"""

from collections.abc import Collection

from django.db.models import Sum

from billing.models import InvoiceKind, InvoiceLine, LineKind
from credits.models import EntryKind, LedgerEntry
from credits.money import Micros


def read_unbilled_debt(organisation_ids: Collection[int]) -> dict[int, Micros]:
    """By organisation, of what was moved already; two statements."""
    moved = LedgerEntry.objects.filter(
        organisation__among=set(organisation_ids), kind=EntryKind.DEBT_INVOICED
    )
    sums = moved.order_by().values("organisation").annotate(sum=Sum("amount"))
    unbilled: dict[int, Micros] = dict(sums.values_list("organisation", "sum"))
    if not unbilled:
        return {}
    lines = InvoiceLine.objects.filter(
        invoice__organisation__in=list(unbilled),
        invoice__kind=InvoiceKind.INVOICE,
        kind=LineKind.DEBT,
    )
    said = lines.order_by().values("invoice__organisation").annotate(sum=Sum("amount"))
    for organisation_id, amount in said.values_list("invoice__organisation", "sum"):
        unbilled[organisation_id] -= amount
    return {pk: amount for pk, amount in unbilled.items() if amount}

"""Every call that an invoice bills, as lines of a CSV file (rule 10.1).

Which calls these are follows from the closed month alone, so the same file comes out
each time, and its column `billed` adds up to the invoice's lines of calls. Read in
pieces: memory does not grow with the number of calls.
"""

from collections.abc import Iterator
from datetime import date
from zoneinfo import ZoneInfo

from django.db.models import OuterRef, Q, QuerySet, Subquery

from billing.models import ClosedMonth, Invoice
from calling.call_list import destination_name
from calling.export_calls import HEADING as CALL
from calling.export_calls import PIECE, call_cells
from calling.models import Charge
from calling.pool_size import period_of
from credits.money import amount_text

HEADING = (*CALL, "revision", "replaces", "billed")


def calls_of_invoice(closed: ClosedMonth) -> Iterator[list[object]]:
    """A row to a call; a correction has another row that takes the old charge back."""
    organisation = closed.organisation
    for charge in _charges(closed).iterator(chunk_size=PIECE):
        amount = charge.postpaid_amount
        cells = call_cells(organisation, charge)
        if amount:
            yield [*cells, charge.revision, "", amount_text(amount)]
        replaced = getattr(charge, "replaced_amount", None)
        if replaced:
            note = f"revision {charge.revision - 1}"
            yield [*cells, charge.revision, note, amount_text(-replaced)]


def month_of(invoice: Invoice) -> ClosedMonth | None:
    """The closed month that an invoice bills, if it bills calls at all."""
    months = ClosedMonth.objects.select_related("organisation")
    return months.filter(invoice=invoice).first()


def _charges(closed: ClosedMonth) -> "QuerySet[Charge]":
    """Those up to the month's mark that the month closed before had not billed."""
    earlier = ClosedMonth.objects.filter(
        organisation=closed.organisation, month__lt=closed.month
    )
    before = earlier.order_by("-month").first()
    billed = Q(pk=0)
    if before is not None:
        billed = Q(local_day__lt=_end_of(before.month), pk__lte=before.up_to_charge)
    older = Charge.objects.filter(
        organisation=OuterRef("organisation"),
        call_record=OuterRef("call_record"),
        revision=OuterRef("revision") - 1,
    )
    mine = Charge.objects.filter(
        ~billed,
        Q(postpaid_amount__gt=0) | Q(revision__gt=1),
        organisation=closed.organisation,
        call_record__organisation=closed.organisation,
        local_day__lt=_end_of(closed.month),
        pk__lte=closed.up_to_charge,
    )
    told = mine.annotate(
        destination=destination_name(),
        replaced_amount=Subquery(older.values("postpaid_amount")[:1]),
    )
    return told.select_related("call_record", "line").order_by("local_day", "pk")


def _end_of(month: date) -> date:
    return period_of(month, ZoneInfo("UTC")).end_on

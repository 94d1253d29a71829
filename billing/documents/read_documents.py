"""What an organisation's page of documents lists: invoices, credit notes, receipts.

A plain read, newest first, a page at a time; each kind is read no further than the page
needs. Amounts are micros.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db.models import Sum
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Organisation, ProviderSettings
from billing.collecting.minor_units import micros_of
from billing.documents.words import document_word
from billing.models import (
    Invoice,
    InvoiceKind,
    InvoiceState,
    StaffPayment,
    StaffPaymentKind,
    TopUp,
    TopUpKind,
)
from credits.display import date_text
from credits.money import Micros, from_money

PAGE_SIZE = 25
RECEIPT = "receipt"
KINDS: dict[str, Promise] = {
    InvoiceKind.INVOICE: gettext_lazy("Invoices"),
    InvoiceKind.CREDIT_NOTE: gettext_lazy("Credit notes"),
    RECEIPT: gettext_lazy("Receipts"),
}
TONES = {
    InvoiceState.ISSUED: "info",
    InvoiceState.LATE: "bad",
    InvoiceState.PAID: "good",
}


@dataclass(frozen=True)
class Pill:
    text: str
    tone: str = ""


@dataclass(frozen=True)
class DocumentRow:
    """One document of the list."""

    at: datetime
    word: str
    number: str
    what: str
    pill: Pill
    amount: Micros
    page: str
    pdf: str
    due_on: date | None = None


@dataclass(frozen=True)
class DocumentPage:
    """One page of the list."""

    rows: list[DocumentRow] = field(default_factory=list)
    number: int = 1
    has_more: bool = False

    @property
    def before(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def after(self) -> int | None:
        return self.number + 1 if self.has_more else None


@dataclass(frozen=True)
class Owed:
    """What is to be paid on invoices, and how much of it is late."""

    amount: Micros
    late: Micros
    next_due: date | None


def read_documents(
    organisation: Organisation, *, kind: str = "", page: int = 1
) -> DocumentPage:
    """The documents of a kind, or all; at most four statements."""
    number = max(page, 1)
    most = number * PAGE_SIZE + 1
    found = [
        row
        for name, read in READERS.items()
        if kind in {"", name}
        for row in read(organisation, most)
    ]
    found.sort(key=lambda row: row.at, reverse=True)
    start = (number - 1) * PAGE_SIZE
    rows = found[start : start + PAGE_SIZE]
    return DocumentPage(rows, number, has_more=len(found) > start + PAGE_SIZE)


def read_owed(organisation: Organisation) -> Owed:
    """Sums of what is still asked for."""
    owed = Invoice.objects.owed().filter(organisation=organisation)
    asked = owed.aggregate(
        total=Coalesce(Sum("total_minor"), 0),
        paid=Coalesce(Sum("paid_minor"), 0),
        credited=Coalesce(Sum("credited_minor"), 0),
    )
    late = sum(one.owed_minor for one in owed.filter(state=InvoiceState.LATE))
    first = owed.exclude(due_on=None).order_by("due_on").first()
    left = asked["total"] - asked["paid"] - asked["credited"]
    return Owed(
        micros_of(left, organisation.currency),
        micros_of(late, organisation.currency),
        first.due_on if first else None,
    )


def pill_of(invoice: Invoice) -> Pill:
    """How an invoice stands, in one word."""
    if invoice.kind == InvoiceKind.CREDIT_NOTE:
        return Pill(_("Credited"))
    state = InvoiceState(invoice.state)
    if state == InvoiceState.ISSUED and invoice.due_on is not None:
        day = date_text(invoice.due_on, "date")
        return Pill(_("Due %(day)s") % {"day": day}, TONES[state])
    return Pill(str(state.label), TONES.get(state, ""))


def _bills(kind: str) -> Callable[[Organisation, int], Iterator[DocumentRow]]:
    def read(organisation: Organisation, most: int) -> Iterator[DocumentRow]:
        is_uniform = ProviderSettings.current().issues_uniform_invoices
        mine = Invoice.objects.issued().filter(organisation=organisation, kind=kind)
        for one in mine.select_related("credits").order_by("-issued_at")[:most]:
            assert one.issued_at is not None  # noqa: S101  # whatever has a number
            yield DocumentRow(
                at=one.issued_at,
                word=document_word(kind, is_uniform=is_uniform),
                number=one.number,
                what=_what(one),
                pill=pill_of(one),
                amount=micros_of(one.total_minor, one.currency),
                page=one.get_absolute_url(),
                pdf=reverse("invoice_pdf", args=[one.pk]),
                due_on=one.due_on if one.is_owed else None,
            )

    return read


def _what(invoice: Invoice) -> str:
    if invoice.credits is not None:
        return _("for %(number)s") % {"number": invoice.credits.number}
    return date_text(invoice.month, "year_month") if invoice.month else ""


def _receipts(organisation: Organisation, most: int) -> Iterator[DocumentRow]:
    top_ups = TopUp.objects.paid().filter(organisation=organisation)
    for sale in top_ups.order_by("-paid_at")[:most]:
        assert sale.paid_at is not None  # noqa: S101  # a paid one says when
        kind = TopUpKind(sale.kind).label
        yield _receipt(sale, sale.paid_at, str(kind), sale.total_micros)
    payments = StaffPayment.objects.filter(organisation=organisation)
    for paid in payments.exclude(receipt_number="").order_by("-recorded_at")[:most]:
        kind = StaffPaymentKind(paid.kind).label
        yield _receipt(paid, paid.recorded_at, str(kind), from_money(paid.amount))


def _receipt(
    sale: TopUp | StaffPayment, at: datetime, what: str, amount: Micros
) -> DocumentRow:
    name = "top_up_pdf" if isinstance(sale, TopUp) else "transfer_pdf"
    return DocumentRow(
        at=at,
        word=_("Receipt"),
        number=sale.receipt_number,
        what=what,
        pill=Pill(_("Paid"), "good"),
        amount=amount,
        page=sale.get_absolute_url(),
        pdf=reverse(name, args=[sale.pk]),
    )


READERS: dict[str, Callable[[Organisation, int], Iterator[DocumentRow]]] = {
    InvoiceKind.INVOICE: _bills(InvoiceKind.INVOICE),
    InvoiceKind.CREDIT_NOTE: _bills(InvoiceKind.CREDIT_NOTE),
    RECEIPT: _receipts,
}

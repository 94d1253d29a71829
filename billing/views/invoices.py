"""Invoices and receipts: the list, one invoice, its PDF, its calls, and paying it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import membership_for
from accounts.models import Membership, Permission, ProviderSettings
from accounts.rate_limits import count_request
from billing.collecting.collect_invoice import (
    collect_invoice,
    is_payable_by_card,
    payment_page,
)
from billing.collecting.minor_units import micros_of
from billing.documents.annex import HEADING, calls_of_invoice, month_of
from billing.documents.keep_document import keep_document, keep_receipt
from billing.documents.read_documents import KINDS, pill_of, read_documents, read_owed
from billing.documents.words import document_word, line_groups, tax_words
from billing.models import (
    Document,
    Invoice,
    InvoiceState,
    LineKind,
    StaffPayment,
    TopUp,
)
from billing.refusals import NotPayableByCard, PaymentsUnavailable
from credits.write_csv import csv_response

PAYING = "paying_invoice"  # whose payment page this browser was sent to


@require_safe
def invoices(request: HttpRequest) -> HttpResponse:
    """All documents, newest first; one kind alone if that is asked for."""
    membership = membership_for(request)
    organisation = membership.organisation
    kind = request.GET.get("kind", "")
    kind = kind if kind in KINDS else ""
    number = request.GET.get("page", "")
    page = int(number) if number.isdecimal() and len(number) < 6 else 1
    context = {
        "organisation": organisation,
        "page": read_documents(organisation, kind=kind, page=page),
        "owed": read_owed(organisation),
        "kinds": KINDS.items(),
        "kind": kind,
        "may_pay": membership.may(Permission.BUY),
    }
    return render(request, "billing/invoices.html", context)


@never_cache
@require_safe
def invoice(request: HttpRequest, pk: int) -> HttpResponse:
    """One invoice or credit note; back from paying, Stripe is asked how it went."""
    membership = membership_for(request)
    found = _mine(membership, pk)
    if request.session.get(PAYING) == found.pk and found.is_owed:
        found = _look_again(request, found)
    return render(request, "billing/invoice.html", _context(membership, found))


@require_POST
def pay_invoice(request: HttpRequest, pk: int) -> HttpResponse:
    """Leads to Stripe's page for what is still owed; nothing is charged here."""
    membership = membership_for(request, may=Permission.BUY)
    found = _mine(membership, pk)
    count_request(request, "start_top_up")
    try:
        page = payment_page(found.pk, at=timezone.now())
    except PaymentsUnavailable as refusal:
        messages.error(request, str(refusal))
        return redirect(found)
    if not page:
        found.refresh_from_db()
        if found.is_owed:
            messages.error(request, str(NotPayableByCard.sentence))
        return redirect(found)
    request.session[PAYING] = found.pk
    return redirect(page)


@require_safe
def invoice_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    found = _mine(membership_for(request), pk)
    return _pdf(keep_document(found, at=timezone.now()), found.number)


@require_safe
def top_up_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """The receipt of a purchase by card."""
    mine = TopUp.objects.paid().filter(
        organisation=membership_for(request).organisation
    )
    sale = get_object_or_404(mine.select_related("organisation"), pk=pk)
    return _pdf(keep_receipt(sale, at=timezone.now()), sale.receipt_number)


@require_safe
def transfer_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """The receipt of a payment that staff recorded."""
    organisation = membership_for(request).organisation
    mine = StaffPayment.objects.filter(organisation=organisation)
    mine = mine.exclude(receipt_number="").select_related("organisation")
    sale = get_object_or_404(mine, pk=pk)
    return _pdf(keep_receipt(sale, at=timezone.now()), sale.receipt_number)


@require_safe
def invoice_calls(
    request: HttpRequest, pk: int
) -> HttpResponse | StreamingHttpResponse:
    """Every call that the invoice bills, written while it is read."""
    found = _mine(membership_for(request), pk)
    closed = month_of(found)
    if closed is None:
        messages.info(request, _("This document bills no calls."))
        return redirect(found)
    return csv_response(f"{found.number}.csv", HEADING, calls_of_invoice(closed))


def _mine(membership: Membership, pk: int) -> Invoice:
    mine = Invoice.objects.issued().filter(organisation=membership.organisation)
    return get_object_or_404(mine.select_related("organisation", "credits"), pk=pk)


def _look_again(request: HttpRequest, found: Invoice) -> Invoice:
    """Stripe being away is not the customer's concern: the sweep looks again later."""
    try:
        collect_invoice(found.pk, at=timezone.now())
    except PaymentsUnavailable:
        return found
    found.refresh_from_db()
    if not found.is_owed:
        del request.session[PAYING]
    return found


def _context(membership: Membership, found: Invoice) -> dict[str, Any]:
    lines = list(found.lines.order_by("position"))
    is_uniform = ProviderSettings.current().issues_uniform_invoices
    usage = {LineKind.USAGE, LineKind.LATE_USAGE}

    def money(minor: int) -> int:
        return micros_of(minor, found.currency)

    return {
        "invoice": found,
        "organisation": membership.organisation,
        "word": document_word(found.kind, is_uniform=is_uniform),
        "pill": pill_of(found),
        "groups": line_groups(found, lines),
        "taxes": tax_words(found, lines),
        "net": money(found.total_minor - found.tax_minor),
        "total": money(found.total_minor),
        "paid": money(found.paid_minor),
        "credited": money(found.credited_minor),
        "left": money(found.owed_minor),
        "payments": [
            (one, money(one.amount_minor)) for one in found.payments.order_by("pk")
        ],
        "notes": [
            (note, money(note.total_minor))
            for note in found.credit_notes.exclude(number="").order_by("pk")
        ],
        "has_calls": any(line.kind in usage for line in lines),
        "is_late": found.state == InvoiceState.LATE,
        "may_pay": membership.may(Permission.BUY) and is_payable_by_card(found),
    }


def _pdf(document: Document, name: str) -> HttpResponse:
    response = HttpResponse(bytes(document.content), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{name}.pdf"'
    return response

"""Monthly statements: the list, one month, its entries as CSV, and its PDF."""

from datetime import date

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import membership_for
from accounts.models import Organisation
from billing.statements.entry_rows import ENTRY_HEADING, entry_rows
from billing.statements.read_statement import (
    months_of,
    read_statement,
    statement_rows,
)
from billing.statements.statement_pdf import keep_statement
from calling.pool_size import period_of
from credits.display import last_day
from credits.write_csv import csv_response


@require_safe
def statements(request: HttpRequest) -> HttpResponse:
    """A line to a month, the newest first."""
    organisation = membership_for(request).organisation
    months = months_of(organisation, timezone.now())
    context = {"organisation": organisation, "months": months[1:], "now": months[0]}
    return render(request, "billing/statements.html", context)


@require_safe
def statement(request: HttpRequest, month: str) -> HttpResponse:
    """One month: what it comes to, what is not posted yet, and every movement."""
    organisation = membership_for(request).organisation
    at = timezone.now()
    found = read_statement(organisation, _month(organisation, month), at=at)
    ends_at = period_of(found.month, organisation.zone).ends_at
    context = {
        "organisation": organisation,
        "statement": found,
        "rows": statement_rows(found),
        "last": last_day(ends_at, organisation.zone),
        "at": at,
    }
    return render(request, "billing/statement.html", context)


@require_safe
def statement_csv(request: HttpRequest, month: str) -> StreamingHttpResponse:
    """Every entry of the month, one line each, written while it is read."""
    organisation = membership_for(request).organisation
    day = _month(organisation, month)
    found = read_statement(organisation, day, at=timezone.now())
    name = f"statement-{organisation.slug}-{month}.csv"
    rows = entry_rows(organisation, found.entries.iterator(chunk_size=2000))
    return csv_response(name, ENTRY_HEADING, rows)


@require_safe
def statement_pdf(request: HttpRequest, month: str) -> HttpResponse:
    """The document of a month that is over."""
    organisation = membership_for(request).organisation
    at = timezone.now()
    found = read_statement(organisation, _month(organisation, month), at=at)
    if not found.is_over:
        raise Http404
    document = keep_statement(found, at=at)
    response = HttpResponse(bytes(document.content), content_type="application/pdf")
    name = f"statement-{organisation.slug}-{month}.pdf"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _month(organisation: Organisation, text: str) -> date:
    """The first of a month like 2026-11 that there is a statement of."""
    for month in months_of(organisation, timezone.now()):
        if f"{month:%Y-%m}" == text:
            return month
    raise Http404

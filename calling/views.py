"""What was called, what it cost, and for each call why."""

from collections.abc import Iterator
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import membership_for
from accounts.models import Organisation
from calling.call_list import (
    CallFilter,
    call_rows,
    matching_charges,
    read_call_page,
)
from calling.explain_call import explain_call
from calling.forms import UsageForm
from calling.models import CallRecord
from credits.money import amount_text
from credits.write_csv import MOST_ROWS, csv_response, local_cell, utc_cell


@require_safe
@vary_on_headers("HX-Request")
def usage(request: HttpRequest) -> HttpResponse:
    """The table; asked by htmx, only what the filter changes."""
    organisation = membership_for(request).organisation
    now = timezone.now()
    form = UsageForm(
        request.GET, organisation=organisation, today=organisation.local_day(now)
    )
    wanted = form.wanted()
    asked = request.GET.get("page", "")[:9]
    page = int(asked) if asked.isascii() and asked.isdecimal() else 1
    context = {
        "form": form,
        "wanted": wanted,
        "page": read_call_page(organisation, wanted, page=page),
        "organisation": organisation,
        "query": _query(form),
        "now": now,
    }
    is_part = request.htmx  # type: ignore[attr-defined]  # set by its middleware
    template = "calling/_usage.html" if is_part else "calling/usage.html"
    return render(request, template, context, status=422 if form.errors else 200)


def _query(form: UsageForm) -> str:
    """What the links to other pages and to the download repeat."""
    return urlencode({name: value for name, value in form.data.items() if value})


@require_safe
def calls_csv(request: HttpRequest) -> StreamingHttpResponse:
    """The newest calls that match, one line each."""
    organisation = membership_for(request).organisation
    today = organisation.local_day(timezone.now())
    form = UsageForm(request.GET, organisation=organisation, today=today)
    heading = ["started_at_utc", "started_at_local", "line", "kind", "direction"]
    heading += ["caller", "callee", "destination", "seconds", "billed_seconds"]
    heading += ["rate_per_minute", "cost", "paid_by_plan", "paid_by_credits"]
    heading += ["billed_after_use", "beyond_balance", "currency", "record_id"]
    name = f"calls-{organisation.slug}.csv"
    return csv_response(name, heading, _csv_rows(organisation, form.wanted()))


def _csv_rows(organisation: Organisation, wanted: CallFilter) -> Iterator[list[object]]:
    charges = matching_charges(organisation, wanted)[:MOST_ROWS]
    for row, charge in zip(call_rows(charges), charges, strict=True):
        yield [
            utc_cell(row.started_at),
            local_cell(row.started_at, organisation.zone),
            row.line,
            row.kind.value,
            charge.call_record.direction,
            row.caller,
            row.callee,
            row.destination,
            row.seconds,
            charge.billed_seconds,
            amount_text(charge.rate_per_minute),
            amount_text(row.cost),
            amount_text(charge.pool_amount),
            amount_text(charge.credit_amount),
            amount_text(charge.postpaid_amount),
            amount_text(charge.debt_amount),
            organisation.currency,
            charge.call_record.source_record_id,
        ]


@require_safe
def call(request: HttpRequest, pk: int) -> HttpResponse:
    """One call: who, when, at which rate, and which money paid for it."""
    organisation = membership_for(request).organisation
    mine = CallRecord.objects.filter(organisation=organisation)
    found = get_object_or_404(mine.select_related("line", "source"), pk=pk)
    explanation = explain_call(found)
    if explanation is None:
        raise Http404
    context = {
        "call": found,
        "explanation": explanation,
        "charge": explanation.charge,
        "organisation": organisation,
    }
    return render(request, "calling/call.html", context)

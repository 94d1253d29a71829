"""What was called, what it cost, and for each call why."""

from collections.abc import Iterator
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import membership_for
from accounts.models import Organisation
from accounts.refusals import TollgateError
from calling.call_list import (
    NO_DEPARTMENT,
    CallFilter,
    CallTotals,
    matching_charges,
    read_call_page,
)
from calling.explain_call import explain_call
from calling.export_calls import HEADING, calls_to_export
from calling.forms import PeriodForm, UsageForm
from calling.mail_export import ask_for_export
from calling.models import CallRecord, UsageExport
from calling.spenders import read_departments, read_top_spenders
from credits.money import amount_text
from credits.write_csv import MOST_ROWS, csv_response, packed_response


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
        "spenders": read_top_spenders(organisation, wanted),
        "organisation": organisation,
        "query": _query(form),
        "now": now,
        "most_rows": MOST_ROWS,
    }
    is_part = request.htmx  # type: ignore[attr-defined]  # set by its middleware
    template = "calling/_usage.html" if is_part else "calling/usage.html"
    return render(request, template, context, status=422 if form.errors else 200)


def _query(form: PeriodForm) -> str:
    """What the links to other pages and to the download repeat."""
    return urlencode({name: value for name, value in form.data.items() if value})


@require_safe
def calls_csv(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """The calls that match, newest first, one line each; too many are mailed."""
    organisation = membership_for(request).organisation
    today = organisation.local_day(timezone.now())
    form = UsageForm(request.GET, organisation=organisation, today=today)
    wanted = form.wanted()
    if matching_charges(organisation, wanted)[: MOST_ROWS + 1].count() > MOST_ROWS:
        told = _("These are too many calls for one download; ask for them by e-mail.")
        messages.info(request, told)
        return redirect(f"{reverse('usage')}?{_query(form)}")
    rows = calls_to_export(organisation, wanted, most=MOST_ROWS)
    return csv_response(f"calls-{organisation.slug}.csv", HEADING, rows)


@require_POST
def mail_calls(request: HttpRequest) -> HttpResponse:
    """Asks the worker for a list that is too long for one download."""
    membership = membership_for(request)
    organisation, at = membership.organisation, timezone.now()
    today = organisation.local_day(at)
    form = UsageForm(request.POST, organisation=organisation, today=today)
    try:
        ask_for_export(organisation, form.wanted(), asked_by=membership.user, at=at)
    except TollgateError as refusal:
        messages.error(request, str(refusal))
    else:
        told = _("We write the list and send the link to %(address)s.")
        messages.success(request, told % {"address": membership.user.email})
    return redirect(f"{reverse('usage')}?{_query(form)}")


@require_safe
def usage_export(request: HttpRequest, pk: int) -> HttpResponse | StreamingHttpResponse:
    """The file that was mailed as a link, for members only and for a week."""
    organisation = membership_for(request).organisation
    mine = UsageExport.objects.filter(organisation=organisation)
    export = get_object_or_404(mine, pk=pk, finished_at__isnull=False)
    over = export.expires_at is None or export.expires_at <= timezone.now()
    if over or export.content is None:
        told = _("The list was kept for seven days. Please ask for it again.")
        messages.info(request, told)
        return redirect("usage")
    return packed_response(f"calls-{organisation.slug}.csv", bytes(export.content))


@require_safe
def departments(request: HttpRequest) -> HttpResponse:
    """What each department's calls cost: to charge them back inside the company."""
    organisation = membership_for(request).organisation
    form = PeriodForm(request.GET, today=organisation.local_day(timezone.now()))
    wanted = form.wanted()
    rows = read_departments(organisation, wanted)
    context = {
        "form": form,
        "wanted": wanted,
        "rows": rows,
        "totals": sum((row.totals for row in rows), CallTotals()),
        "no_department": NO_DEPARTMENT,
        "organisation": organisation,
        "query": _query(form),
    }
    status = 422 if form.errors else 200
    return render(request, "calling/departments.html", context, status=status)


@require_safe
def departments_csv(request: HttpRequest) -> StreamingHttpResponse:
    """The same table, a line to a department."""
    organisation = membership_for(request).organisation
    form = PeriodForm(request.GET, today=organisation.local_day(timezone.now()))
    wanted = form.wanted()
    heading = ["first_day", "last_day", "department", "lines", "calls"]
    heading += ["billed_seconds", "cost", "paid_by_plan", "paid_by_credits"]
    heading += ["billed_after_use", "beyond_balance", "charged_back", "currency"]
    rows = _department_cells(organisation, wanted)
    return csv_response(f"departments-{organisation.slug}.csv", heading, rows)


def _department_cells(
    organisation: Organisation, wanted: CallFilter
) -> Iterator[list[object]]:
    for row in read_departments(organisation, wanted):
        totals = row.totals
        yield [
            wanted.first,
            wanted.last,
            row.name,
            row.lines,
            totals.calls,
            totals.seconds,
            amount_text(totals.cost),
            amount_text(totals.pool),
            amount_text(totals.credit),
            amount_text(totals.postpaid),
            amount_text(totals.debt),
            amount_text(totals.money),
            organisation.currency,
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

"""Lines, their numbers and licences: a list, a page for each, and files in and out."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from accounts.access import client_address, membership_for
from accounts.models import Membership, Permission
from accounts.refusals import TollgateError
from calling.assign_licence import assign_licence
from calling.import_lines import ImportedLines, import_lines
from calling.lines.forms import (
    LineForm,
    LinesFileForm,
    NumberForm,
    ServiceNumberForm,
)
from calling.lines.line_list import (
    csv_lines,
    read_line_month,
    read_lines_page,
    spent_this_month,
)
from calling.lines.read_csv import COLUMNS, MOST_BYTES
from calling.models import Line, NumberAssignment, Subscription
from calling.number_history import Service, end_number, give_number
from calling.running import running_licences, running_subscriptions
from calling.save_line import add_line, change_line
from credits.write_csv import csv_response


@require_safe
def lines(request: HttpRequest) -> HttpResponse:
    """The list, a page at a time, and what matches the words looked for."""
    membership = membership_for(request)
    organisation, now = membership.organisation, timezone.now()
    words, asked = request.GET.get("q", "")[:100], request.GET.get("page", "")[:6]
    page = read_lines_page(
        organisation, words, page=int(asked) if asked.isdecimal() else 1, at=now
    )
    spent = spent_this_month(
        organisation,
        [line.pk for line in page.rows],
        today=organisation.local_day(now),
    )
    context = {
        "page": page,
        "rows": [(line, spent.get(line.pk, 0)) for line in page.rows],
        "words": words,
        "organisation": organisation,
        "may_buy": membership.may(Permission.BUY),
    }
    return render(request, "calling/lines/lines.html", context)


@require_safe
def lines_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Every line with its numbers of today; the file can be taken in again."""
    organisation = membership_for(request).organisation
    rows = csv_lines(organisation, timezone.now())
    return csv_response(f"lines-{organisation.slug}.csv", COLUMNS, rows)


@require_http_methods(["GET", "POST"])
def import_file(request: HttpRequest) -> HttpResponse:
    """Takes a file of lines in, and says row by row what was refused."""
    membership = membership_for(request, may=Permission.BUY)
    form = LinesFileForm(request.POST or None, request.FILES or None)
    result: ImportedLines | None = None
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        if file.size > MOST_BYTES:
            form.add_error("file", _("The file is larger than 4 MB."))
        else:
            try:
                result = import_lines(
                    membership.organisation,
                    file.read(),
                    at=timezone.now(),
                    actor=membership.user,
                    ip=client_address(request),
                )
            except ValidationError as error:
                form.add_error("file", error)
    context = {"form": form, "result": result, "columns": ", ".join(COLUMNS)}
    status = 422 if form.errors else 200
    return render(request, "calling/lines/import.html", context, status=status)


@require_http_methods(["GET", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    membership = membership_for(request, may=Permission.BUY)
    organisation = membership.organisation
    form = LineForm(request.POST or None, organisation=organisation)
    if request.method == "POST" and form.is_valid():
        try:
            made = add_line(
                organisation,
                form.entry(),
                at=timezone.now(),
                actor=membership.user,
                ip=client_address(request),
            )
        except ValidationError as error:
            _show(form, error)
        else:
            messages.success(request, _("%(line)s is added.") % {"line": made.name})
            return redirect("line", made.pk)
    status = 422 if form.errors else 200
    return render(request, "calling/lines/add.html", {"form": form}, status=status)


@require_http_methods(["GET", "POST"])
def line(request: HttpRequest, pk: int) -> HttpResponse:
    """One line; its form is there for those who may change it."""
    membership = membership_for(request, may=_needed(request))
    is_change = request.method == "POST"
    found = _line(membership, pk)
    data = request.POST if is_change else None
    form = LineForm(data, organisation=membership.organisation, line=found)
    if is_change and form.is_valid():
        try:
            change_line(
                found,
                form.entry(),
                at=timezone.now(),
                actor=membership.user,
                ip=client_address(request),
            )
        except ValidationError as error:
            _show(form, error)
            found = _line(membership, pk)
        else:
            messages.success(request, _("%(line)s is saved.") % {"line": found.name})
            return redirect("line", pk)
    return _line_page(request, membership, found, form=form)


def _needed(request: HttpRequest) -> Permission:
    """Everybody reads; what is sent changes who pays."""
    return Permission.BUY if request.method == "POST" else Permission.READ


def _line(membership: Membership, pk: int) -> Line:
    mine = Line.objects.filter(organisation=membership.organisation)
    return get_object_or_404(mine.select_related("organisation"), pk=pk)


def _line_page(
    request: HttpRequest,
    membership: Membership,
    found: Line,
    *,
    form: LineForm | None = None,
    number_form: NumberForm | None = None,
    refusal: str = "",
) -> HttpResponse:
    organisation, now = membership.organisation, timezone.now()
    licences = list(running_licences(organisation, now).filter(line=found))
    have = [licence.subscription_id for licence in licences]
    free = running_subscriptions(organisation, now).filter(ends_at=None)
    country = found.usage_country
    context = {
        "line": found,
        "form": form or LineForm(organisation=organisation, line=found),
        "number_form": number_form or NumberForm(country=country),
        "numbers": found.numbers.order_by("ends_at", "-starts_at"),
        "licences": licences,
        "plans": [one for one in free.exclude(pk__in=have) if one.plan.covers(country)],
        "month": read_line_month(found, today=organisation.local_day(now)),
        "refusal": refusal,
        "may_buy": membership.may(Permission.BUY),
        "organisation": organisation,
    }
    is_bad = any(one is not None and one.errors for one in (form, number_form))
    status = 409 if refusal else 422 if is_bad else 200
    return render(request, "calling/lines/line.html", context, status=status)


@require_POST
def give(request: HttpRequest, pk: int) -> HttpResponse:
    """A number for the line, from now on."""
    membership = membership_for(request, may=Permission.BUY)
    found = _line(membership, pk)
    form = NumberForm(request.POST, country=found.usage_country)
    if not form.is_valid():
        return _line_page(request, membership, found, number_form=form)
    try:
        given = give_number(
            membership.organisation,
            form.cleaned_data["number"],
            to=found,
            at=timezone.now(),
            actor=membership.user,
            ip=client_address(request),
        )
    except TollgateError as error:
        return _line_page(request, membership, found, refusal=str(error))
    done = _("%(number)s belongs to %(line)s from now on.")
    messages.success(request, done % {"number": given.number, "line": found.name})
    return redirect("line", pk)


@require_POST
def licence(request: HttpRequest, pk: int) -> HttpResponse:
    """A licence for the line, of one of the organisation's plans."""
    membership = membership_for(request, may=Permission.BUY)
    found, now = _line(membership, pk), timezone.now()
    wanted = request.POST.get("subscription", "")
    mine = running_subscriptions(membership.organisation, now)
    plan: Subscription = get_object_or_404(
        mine.select_related("organisation"), pk=wanted if wanted.isdecimal() else 0
    )
    try:
        assign_licence(
            plan, found, at=now, actor=membership.user, ip=client_address(request)
        )
    except TollgateError as error:
        return _line_page(request, membership, found, refusal=str(error))
    done = _("%(line)s has %(plan)s from now on.")
    messages.success(request, done % {"line": found.name, "plan": plan.plan.name})
    return redirect("line", pk)


@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """The number is nobody's from now on; its calls until now stay where they are."""
    membership = membership_for(request, may=Permission.BUY)
    mine = NumberAssignment.objects.filter(organisation=membership.organisation)
    found = get_object_or_404(mine, pk=pk)
    end_number(
        found,
        at=timezone.now(),
        actor=membership.user,
        ip=client_address(request),
    )
    messages.success(request, _("%(number)s is free.") % {"number": found.number})
    if found.line_id is not None:
        return redirect("line", found.line_id)
    return redirect("service_numbers")


@require_http_methods(["GET", "POST"])
def service_numbers(request: HttpRequest) -> HttpResponse:
    """Numbers of bridges, attendants and queues, with their history."""
    membership = membership_for(request, may=_needed(request))
    organisation, refusal = membership.organisation, ""
    form = ServiceNumberForm(request.POST or None, country=organisation.country)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            give_number(
                organisation,
                given["number"],
                to=Service(given["service_kind"], given["is_bridge"]),
                at=timezone.now(),
                actor=membership.user,
                ip=client_address(request),
            )
        except TollgateError as error:
            refusal = str(error)
        else:
            done = _("%(number)s is added.") % {"number": given["number"]}
            messages.success(request, done)
            return redirect("service_numbers")
    numbers = NumberAssignment.objects.filter(organisation=organisation, line=None)
    context = {
        "form": form,
        "numbers": numbers.order_by("ends_at", "number", "-starts_at"),
        "refusal": refusal,
        "may_buy": membership.may(Permission.BUY),
        "organisation": organisation,
    }
    status = 409 if refusal else 422 if form.errors else 200
    return render(request, "calling/lines/numbers.html", context, status=status)


def _show(form: LineForm, refusal: ValidationError) -> None:
    """A verb's refusal as errors of the form."""
    if not hasattr(refusal, "error_dict"):
        form.add_error(None, refusal)
        return
    for name, errors in refusal.error_dict.items():
        form.add_error(name if name in form.fields else None, errors)

"""What stands in the way of a call: barred destinations and limits."""

from dataclasses import replace

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
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
from calling.models import Barring
from calling.permission.bar_destination import (
    add_barring,
    change_barring,
    entry_of,
    remove_barring,
)
from calling.permission.ceilings import ceilings_of
from calling.permission.forms import BarringForm, LimitsForm
from calling.permission.permissions import read_permissions
from calling.permission.set_call_limits import entry_of as limits_entry
from calling.permission.set_call_limits import limits_of, set_call_limits


@require_safe
def permissions(request: HttpRequest) -> HttpResponse:
    """Both sides' rules, and the limits; everybody reads."""
    return _page(request, membership_for(request))


@require_POST
def limits(request: HttpRequest) -> HttpResponse:
    """Saves the organisation's own limits."""
    membership = membership_for(request, may=Permission.BUY)
    organisation = membership.organisation
    form = _limits_form(membership, request)
    if not form.is_valid():
        return _page(request, membership, form)
    try:
        set_call_limits(
            organisation,
            form.entry(),
            at=timezone.now(),
            actor=membership.user,
            ip=client_address(request),
        )
    except ValidationError as refused:
        form.refuse(refused)
        return _page(request, membership, form)
    messages.success(request, _("The limits are saved."))
    return redirect("call_permissions")


@require_http_methods(["GET", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """A rule of the organisation's own."""
    membership = membership_for(request, may=Permission.BUY)
    form = BarringForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            rule = add_barring(
                membership.organisation,
                form.entry(),
                at=timezone.now(),
                actor=membership.user,
                ip=client_address(request),
            )
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("%(rule)s is in force.") % {"rule": rule.name})
            return redirect("call_permissions")
    status = 422 if form.errors else 200
    name = "calling/permission/rule.html"
    return render(request, name, {"form": form}, status=status)


@require_http_methods(["GET", "POST"])
def barring(request: HttpRequest, pk: int) -> HttpResponse:
    """One rule: changed here, switched off, on, or removed."""
    membership = membership_for(request, may=Permission.BUY)
    rule = _rule(membership, pk)
    form = BarringForm(request.POST or None, rule=entry_of(rule))
    if request.method == "POST" and form.is_valid():
        try:
            change_barring(
                rule,
                form.entry(),
                at=timezone.now(),
                actor=membership.user,
                ip=client_address(request),
            )
        except ValidationError as error:
            form.add_error(None, error)
            rule = _rule(membership, pk)
        else:
            messages.success(request, _("%(rule)s is saved.") % {"rule": rule.name})
            return redirect("call_permissions")
    context = {"form": form, "rule": rule}
    status = 422 if form.errors else 200
    return render(request, "calling/permission/rule.html", context, status=status)


@require_POST
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Puts a rule out of force, or in force again, as the button said."""
    membership = membership_for(request, may=Permission.BUY)
    rule = _rule(membership, pk)
    entry = replace(entry_of(rule), is_active=request.POST.get("active") == "yes")
    change_barring(
        rule,
        entry,
        at=timezone.now(),
        actor=membership.user,
        ip=client_address(request),
    )
    done = _("%(rule)s is in force.") if rule.is_active else _("%(rule)s is off.")
    messages.success(request, done % {"rule": rule.name})
    return redirect("call_permissions")


@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """A rule is gone; calls it barred go through, or the other way round."""
    membership = membership_for(request, may=Permission.BUY)
    rule = _rule(membership, pk)
    name = rule.name
    remove_barring(
        rule, at=timezone.now(), actor=membership.user, ip=client_address(request)
    )
    messages.success(request, _("%(rule)s is removed.") % {"rule": name})
    return redirect("call_permissions")


def _rule(membership: Membership, pk: int) -> Barring:
    mine = Barring.objects.filter(organisation=membership.organisation)
    return get_object_or_404(mine.select_related("organisation"), pk=pk)


def _limits_form(
    membership: Membership, request: HttpRequest | None = None
) -> LimitsForm:
    organisation = membership.organisation
    return LimitsForm(
        request.POST if request is not None else None,
        currency=organisation.currency,
        limits=limits_entry(limits_of(organisation)),
        ceilings=ceilings_of(organisation),
    )


def _page(
    request: HttpRequest, membership: Membership, form: LimitsForm | None = None
) -> HttpResponse:
    organisation = membership.organisation
    context = {
        "page": read_permissions(organisation, at=timezone.now()),
        "form": form or _limits_form(membership),
        "may_change": membership.may(Permission.BUY),
        "organisation": organisation,
    }
    name = "calling/permission/permissions.html"
    status = 422 if form is not None else 200
    return render(request, name, context, status=status)

"""Adds and removes the further addresses that are told what billing contacts are."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import client_address, membership_for
from accounts.alert_addresses import add_alert_address, remove_alert_address
from accounts.models import Language, Permission
from accounts.rate_limits import count_request
from accounts.refusals import TollgateError
from billing.forms import AlertAddressForm


@require_POST
def add_address(request: HttpRequest) -> HttpResponse:
    """Asks the address to confirm."""
    membership = membership_for(request, may=Permission.BUY)
    count_request(request, "add_alert_address")
    form = AlertAddressForm(request.POST)
    if not form.is_valid():
        for sentence in form.errors.get("address", []):
            messages.error(request, str(sentence))
        return redirect("notices")
    try:
        added = add_alert_address(
            membership.organisation,
            form.cleaned_data["address"],
            Language(membership.organisation.language),
            actor=membership.user,
            at=timezone.now(),
            ip=client_address(request),
        )
    except TollgateError as refused:
        messages.error(request, str(refused))
    else:
        told = _("%(address)s was asked to confirm.") % {"address": added.address}
        messages.success(request, told)
    return redirect("notices")


@require_POST
def remove_address(request: HttpRequest, number: int) -> HttpResponse:
    membership = membership_for(request, may=Permission.BUY)
    mine = membership.organisation.alert_addresses.select_related("organisation")
    added = get_object_or_404(mine, pk=number)
    remove_alert_address(
        added, actor=membership.user, at=timezone.now(), ip=client_address(request)
    )
    told = _("%(address)s is told no more.") % {"address": added.address}
    messages.success(request, told)
    return redirect("notices")

"""Auto-recharge: how it stands, what was skipped and why, and the way to end it.

An NCE organisation gets the sentence of the rule instead (rule 2.1).
"""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import membership_for
from accounts.models import Permission
from billing.overview import read_overview
from billing.recharging.auto_recharge import switch_off_auto_recharge
from billing.recharging.recharge_card import recharge_card
from billing.recharging.recharge_history import read_recharges
from billing.recharging.recharge_settings import settings_of
from billing.recharging.recharge_state import recharge_status
from billing.views.not_for_sale import not_for_sale


@never_cache
@require_safe
def auto_recharge(request: HttpRequest) -> HttpResponse:
    """The state, what was recharged lately, and what was skipped and why."""
    membership = membership_for(request, may=Permission.BUY)
    organisation, now = membership.organisation, timezone.now()
    if not organisation.buys_credits:
        return not_for_sale(request, membership)
    status = recharge_status(organisation, now)
    context = {
        "card": recharge_card(organisation, status, at=now),
        "history": read_recharges(organisation),
        "organisation": organisation,
        "today": organisation.local_day(now),
        "may_buy": True,
    }
    return render(request, "billing/auto_recharge.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
def switch_off_recharge(request: HttpRequest) -> HttpResponse:
    """Asks once, with the day on which the balance would be used up."""
    membership = membership_for(request, may=Permission.BUY)
    organisation, now = membership.organisation, timezone.now()
    if not organisation.buys_credits:
        return not_for_sale(request, membership)
    if settings_of(organisation) is None:
        return redirect("auto_recharge")
    if request.method == "POST":
        switch_off_auto_recharge(organisation, actor=membership.user, at=now)
        messages.success(request, _("Auto-recharge is off."))
        return redirect("auto_recharge")
    context = {"overview": read_overview(organisation, now)}
    return render(request, "billing/switch_off_recharge.html", context)

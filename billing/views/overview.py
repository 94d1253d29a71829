"""The first page after sign-in: how things stand, and whatever needs attention."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import membership_for
from accounts.models import Permission
from billing.overview import read_overview
from calling.plan_minutes import read_plan_minutes

LATEST = 5  # events


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    membership = membership_for(request)
    organisation, now = membership.organisation, timezone.now()
    found = read_overview(organisation, now)
    context = {
        "overview": found,
        "latest": found.activity[:LATEST],
        "pools": read_plan_minutes(organisation, today=organisation.local_day(now)),
        "may_buy": organisation.buys_credits and membership.may(Permission.BUY),
    }
    return render(request, "billing/overview.html", context)

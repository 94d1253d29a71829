"""The page of calls in progress, and of those that were not let through."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import membership_for
from calling.live.live_calls import DENIED_FOR, read_live_page


@require_safe
@vary_on_headers("HX-Request")
def live_calls(request: HttpRequest) -> HttpResponse:
    """The page; asked by htmx, only the tables as they stand now."""
    organisation, now = membership_for(request).organisation, timezone.now()
    context = {
        "organisation": organisation,
        "page": read_live_page(organisation, at=now),
        "denied_days": DENIED_FOR.days,
        "now": now,
    }
    is_part = request.htmx  # type: ignore[attr-defined]  # set by its middleware
    name = "calling/live/_live.html" if is_part else "calling/live/live.html"
    return render(request, name, context)

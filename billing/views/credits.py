"""The Credits page: one number, one action, and what explains the number."""

from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import membership_for
from accounts.models import Membership, Permission
from billing.overview import read_overview
from billing.recharging.recharge_card import recharge_card
from billing.recharging.recharge_state import recharge_status
from billing.statements.entry_rows import ENTRY_HEADING, entry_rows
from calling.spend_shares import read_spend_shares
from credits.models import LedgerEntry
from credits.write_csv import MOST_ROWS, csv_response


@require_safe
@vary_on_headers("HX-Request")
def credits_page(request: HttpRequest) -> HttpResponse:
    """The page; asked by htmx, only the balance card as it stands now."""
    membership = membership_for(request)
    context = _context(membership)
    if request.htmx:  # type: ignore[attr-defined]  # set by its middleware
        return render(request, "billing/_balance.html", context)
    organisation = membership.organisation
    today = context["overview"].today
    if organisation.buys_credits:
        found = context["overview"]
        status = found.recharge or recharge_status(organisation, found.at)
        context["recharge"] = recharge_card(organisation, status, at=found.at)
    context["shares"] = read_spend_shares(organisation, today=today)
    return render(request, "billing/credits.html", context)


def _context(membership: Membership) -> dict[str, Any]:
    organisation = membership.organisation
    may_buy = organisation.buys_credits and membership.may(Permission.BUY)
    return {
        "overview": read_overview(organisation, timezone.now()),
        "may_buy": may_buy,
    }


@require_safe
def activity_csv(request: HttpRequest) -> StreamingHttpResponse:
    """The ledger's newest entries, one line each, oldest first."""
    organisation = membership_for(request).organisation
    entries = LedgerEntry.objects.filter(organisation=organisation)
    newest = list(entries.order_by("-wallet_seq")[:MOST_ROWS])
    name = f"credits-{organisation.slug}.csv"
    rows = entry_rows(organisation, reversed(newest))
    return csv_response(name, ENTRY_HEADING, rows)

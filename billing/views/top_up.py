"""How a purchase ended: a page with an address of its own that survives a reload.

While Stripe has not said how it ended, looking at the page asks; a webhook that was
lost therefore costs the customer nothing but a look.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import membership_for
from accounts.models import Membership, Permission
from billing.decline_reasons import decline_reason
from billing.forms import plain_amount
from billing.models import TopUp, TopUpState
from billing.reconcile import look_again
from credits.models import Lot, LotKind

RETURNED = "returned"  # how Checkout says that somebody finished there


@never_cache
@require_safe
@vary_on_headers("HX-Request")
def top_up(request: HttpRequest, pk: int) -> HttpResponse:
    membership = membership_for(request)
    mine = TopUp.objects.filter(organisation=membership.organisation)
    found = get_object_or_404(mine, pk=pk)
    found = look_again(found, at=timezone.now())
    came_back = request.GET.get("checkout", "")
    context = _context(membership, found, came_back=came_back)
    if request.htmx:  # type: ignore[attr-defined]  # set by its middleware
        if found.state == request.GET.get("shown"):
            return HttpResponse(status=204)  # nothing new: the page stays as it is
        return render(request, "billing/_top_up.html", context)
    return render(request, "billing/top_up.html", context)


def _context(
    membership: Membership, found: TopUp, *, came_back: str = ""
) -> dict[str, Any]:
    is_checked = found.state == TopUpState.PROCESSING
    is_checked |= found.state == TopUpState.STARTED and came_back == RETURNED
    may_buy = membership.organisation.buys_credits and membership.may(Permission.BUY)
    return {
        "top_up": found,
        "organisation": membership.organisation,
        "is_checked": is_checked,
        "lot": _lot_of(found) if found.is_paid else None,
        "reason": decline_reason(found.failure_code) if found.failure_code else "",
        "credit": plain_amount(found.credit_micros),
        "may_buy": may_buy,
    }


def _lot_of(found: TopUp) -> Lot | None:
    kinds = [LotKind.PURCHASE, LotKind.RECHARGE]
    lots = Lot.objects.filter(organisation=found.organisation_id, kind__in=kinds)
    return lots.filter(sale_id=found.pk).first()

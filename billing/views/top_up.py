"""How a purchase ended: a page with an address of its own that survives a reload.

A recharge has the same page; where its card asks for its owner, it is approved there.

While Stripe has not said how it ended, looking at the page asks; a webhook that was
lost therefore costs the customer nothing but a look.
"""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import membership_for
from accounts.models import Membership, Permission
from accounts.rate_limits import count_request
from accounts.refusals import TollgateError
from billing.forms import plain_amount
from billing.models import AttemptState, RechargeAttempt, TopUp, TopUpState
from billing.recharging.approve_recharge import approve_recharge
from billing.recharging.recharge_card import moment_text
from billing.recharging.recharge_history import reason_of
from billing.reconciling.reconcile import look_again
from billing.views.add_funds import RECHARGE_NEXT
from billing.views.not_for_sale import not_for_sale
from credits.models import Lot, LotKind

UNDER_WAY = (AttemptState.CLAIMED, AttemptState.SENT)
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
    context["sets_up_recharge"] = request.session.get(RECHARGE_NEXT) == found.pk
    if request.htmx:  # type: ignore[attr-defined]  # set by its middleware
        if context["shown"] == request.GET.get("shown"):
            return HttpResponse(status=204)  # nothing new: the page stays as it is
        return render(request, "billing/_top_up.html", context)
    return render(request, "billing/top_up.html", context)


@require_POST
def approve_payment(request: HttpRequest, pk: int) -> HttpResponse:
    """Leads to the payment page of the same order, where its owner approves it."""
    membership = membership_for(request, may=Permission.BUY)
    organisation = membership.organisation
    if not organisation.buys_credits:
        return not_for_sale(request, membership)
    mine = RechargeAttempt.objects.filter(organisation=organisation)
    attempt = get_object_or_404(mine.select_related("top_up"), top_up=pk)
    count_request(request, "start_top_up")
    try:
        order = approve_recharge(
            attempt.pk,
            organisation=organisation,
            language=get_language() or "en",
            at=timezone.now(),
        )
    except TollgateError as refusal:
        messages.error(request, str(refusal))
        return redirect(attempt.top_up)
    return redirect(order if order.is_paid else order.checkout_url)


def _context(
    membership: Membership, found: TopUp, *, came_back: str = ""
) -> dict[str, Any]:
    attempt = _attempt_of(found)
    is_charging = attempt is not None and attempt.state in UNDER_WAY
    is_checked = is_charging or found.state == TopUpState.PROCESSING
    is_checked |= found.state == TopUpState.STARTED and came_back == RETURNED
    may_buy = membership.organisation.buys_credits and membership.may(Permission.BUY)
    return {
        "top_up": found,
        "organisation": membership.organisation,
        "is_checked": is_checked,
        "attempt": attempt,
        "card": _card_of(attempt),
        "next_try": _next_try(attempt),
        "shown": f"{found.state} {attempt.state}" if attempt else found.state,
        "lot": _lot_of(found) if found.is_paid else None,
        "refunds": found.refunds.order_by("pk"),
        "reason": reason_of(found.failure_code),
        "credit": plain_amount(found.credit_micros),
        "may_buy": may_buy,
    }


def _attempt_of(found: TopUp) -> RechargeAttempt | None:
    """The recharge this order belongs to, if it is one."""
    return RechargeAttempt.objects.filter(top_up=found).first()


def _card_of(attempt: RechargeAttempt | None) -> str:
    """The card that was charged last."""
    tries = attempt.tries.select_related("payment_method") if attempt else None
    last = tries.order_by("-number").first() if tries is not None else None
    return last.payment_method.title if last else ""


def _next_try(attempt: RechargeAttempt | None) -> str:
    if attempt is None or attempt.state != AttemptState.COOLING:
        return ""
    if attempt.next_try_at is None:
        return ""
    return moment_text(attempt.next_try_at, attempt.organisation, timezone.now())


def _lot_of(found: TopUp) -> Lot | None:
    kinds = [LotKind.PURCHASE, LotKind.RECHARGE]
    lots = Lot.objects.filter(organisation=found.organisation_id, kind__in=kinds)
    return lots.filter(sale_id=found.pk).first()

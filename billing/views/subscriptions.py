"""Subscriptions: the plans that run, and Communications Credits beside them.

The familiar route: Subscriptions, then Communications Credits, and payment method and
recharge options are at hand. Plans themselves are looked after under Calling plans.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.access import membership_for
from accounts.models import Permission
from billing.cards.card_list import card_rows
from billing.recharging.recharge_card import recharge_card
from billing.recharging.recharge_state import recharge_status
from billing.views.not_for_sale import not_for_sale
from calling.running import running_subscriptions
from credits.statement import read_balance


@require_safe
def subscriptions(request: HttpRequest) -> HttpResponse:
    membership = membership_for(request)
    organisation, now = membership.organisation, timezone.now()
    status = recharge_status(organisation, now)
    may_buy = organisation.buys_credits and membership.may(Permission.BUY)
    context = {
        "organisation": organisation,
        "balance": read_balance(organisation.pk, now),
        "card": recharge_card(organisation, status, at=now),
        "plans": running_subscriptions(organisation, now),
        "may_buy": may_buy,
        "may_move": may_buy and organisation.closed_at is None,
    }
    return render(request, "billing/subscriptions.html", context)


@never_cache
@require_safe
def communications_credits(request: HttpRequest) -> HttpResponse:
    """Payment method and recharge options, side by side."""
    membership = membership_for(request, may=Permission.BUY)
    organisation, now = membership.organisation, timezone.now()
    if not organisation.buys_credits:
        return not_for_sale(request, membership)
    status = recharge_status(organisation, now)
    context = {
        "organisation": organisation,
        "balance": read_balance(organisation.pk, now),
        "card": recharge_card(organisation, status, at=now),
        "rows": card_rows(organisation, at=now),
        "today": organisation.local_day(now),
        "may_buy": True,
    }
    return render(request, "billing/communications_credits.html", context)

"""Payment methods: the saved cards, adding one, which is charged, letting one go.

Cards are typed at Stripe's page. Whatever changes them asks for a recent sign-in. A
card sells no credit, so an NCE organisation keeps one for its invoices.
"""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)
from django.views.decorators.vary import vary_on_headers

from accounts.access import client_address, membership_for, need_recent_sign_in
from accounts.models import Membership, Organisation, Permission
from accounts.rate_limits import count_request
from accounts.refusals import TollgateError
from billing.cards.card_list import CardRow, card_rows
from billing.cards.card_setup import look_again, start_card_setup
from billing.cards.payment_methods import make_default, remove_card
from billing.forms import AddCardForm
from billing.models import AutoRecharge, CardSetup, CardSetupState, PaymentMethod

RETURNED = "returned"  # how Checkout says that somebody finished there


@never_cache
@require_safe
def payment_methods(request: HttpRequest) -> HttpResponse:
    membership = membership_for(request, may=Permission.BUY)
    return _list_page(request, membership)


@never_cache
@require_http_methods(["GET", "POST"])
def add_card(request: HttpRequest) -> HttpResponse:
    """Says what is agreed to; its POST leaves for Stripe's page."""
    membership = membership_for(request, may=Permission.BUY)
    organisation = membership.organisation
    need_recent_sign_in(request)
    start = {"key": uuid.uuid4(), "becomes_default": _wants_default(request)}
    form = AddCardForm(request.POST or None, initial=start)
    refusal = None
    if request.method == "POST" and form.is_valid():
        count_request(request, "add_card", key=str(organisation.pk))
        try:
            return redirect(_page_of(_start(request, membership, form)))
        except TollgateError as error:
            refusal = error
    context = {
        "form": form,
        "refusal": refusal,
        "is_charged": AutoRecharge.objects.filter(organisation=organisation).exists(),
    }
    status = refusal.status if refusal else 422 if form.errors else 200
    return render(request, "billing/add_card.html", context, status=status)


@never_cache
@require_safe
@vary_on_headers("HX-Request")
def card_setup(request: HttpRequest, pk: int) -> HttpResponse:
    """What came of a visit to Stripe's page; looking asks while it is not known."""
    membership = membership_for(request, may=Permission.BUY)
    mine = CardSetup.objects.filter(organisation=membership.organisation)
    found = get_object_or_404(mine.select_related("payment_method"), pk=pk)
    found = look_again(found, at=timezone.now())
    is_done = found.state == CardSetupState.DONE
    context = {
        "setup": found,
        "row": _row_of(found, membership.organisation) if is_done else None,
        "is_checked": found.state == CardSetupState.STARTED
        and request.GET.get("checkout") == RETURNED,
        "recharge": _recharge_of(membership.organisation),
    }
    if request.htmx:  # type: ignore[attr-defined]  # set by its middleware
        if not is_done:
            return HttpResponse(status=204)  # nothing new: the page stays as it is
        return render(request, "billing/_card_setup.html", context)
    return render(request, "billing/card_setup.html", context)


@require_POST
def make_default_card(request: HttpRequest, pk: int) -> HttpResponse:
    membership = membership_for(request, may=Permission.BUY)
    need_recent_sign_in(request)
    method = _mine(membership, pk)
    try:
        make_default(method, actor=membership.user, at=timezone.now())
    except TollgateError as refusal:
        return _list_page(request, membership, refusal)
    done = _("%(card)s is charged from now on.") % {"card": method.title}
    messages.success(request, done)
    return redirect("payment_methods")


@never_cache
@require_http_methods(["GET", "POST"])
def remove_payment_method(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks once; the POST removes it, or says why it stays."""
    membership = membership_for(request, may=Permission.BUY)
    need_recent_sign_in(request)
    method = _mine(membership, pk)
    if request.method == "POST":
        try:
            remove_card(method, actor=membership.user, at=timezone.now())
        except TollgateError as refusal:
            return _list_page(request, membership, refusal)
        done = _("%(card)s is removed.") % {"card": method.title}
        messages.success(request, done)
        return redirect("payment_methods")
    recharge = _recharge_of(membership.organisation)
    context = {
        "card": method,
        "is_backup": recharge is not None and recharge.backup_id == method.pk,
        "is_charged": recharge is not None and recharge.payment_method_id == method.pk,
    }
    return render(request, "billing/remove_card.html", context)


def _list_page(
    request: HttpRequest, membership: Membership, refusal: TollgateError | None = None
) -> HttpResponse:
    organisation = membership.organisation
    context: dict[str, Any] = {
        "rows": card_rows(organisation, at=timezone.now()),
        "recharge": _recharge_of(organisation),
        "refusal": refusal,
    }
    status = refusal.status if refusal else 200
    return render(request, "billing/payment_methods.html", context, status=status)


def _start(
    request: HttpRequest, membership: Membership, form: AddCardForm
) -> CardSetup:
    return start_card_setup(
        membership.organisation,
        client_key=f"form:{form.cleaned_data['key']}",
        actor=membership.user,
        language=get_language() or "en",
        at=timezone.now(),
        becomes_default=form.cleaned_data["becomes_default"],
        ip=client_address(request),
    )


def _page_of(setup: CardSetup) -> str:
    """Stripe's page while it waits, else ours that says what came of it."""
    is_waiting = setup.state == CardSetupState.STARTED and setup.checkout_url
    return setup.checkout_url if is_waiting else setup.get_absolute_url()


def _wants_default(request: HttpRequest) -> bool:
    """Ticked where somebody comes to replace a card that fails."""
    return request.GET.get("instead") == "1"


def _mine(membership: Membership, pk: int) -> PaymentMethod:
    kept = PaymentMethod.objects.kept().filter(organisation=membership.organisation)
    return get_object_or_404(kept, pk=pk)


def _recharge_of(organisation: Organisation) -> AutoRecharge | None:
    rows = AutoRecharge.objects.select_related("payment_method", "backup")
    return rows.filter(organisation=organisation).first()


def _row_of(setup: CardSetup, organisation: Organisation) -> CardRow | None:
    rows = card_rows(organisation, at=timezone.now())
    return next((row for row in rows if row.pk == setup.payment_method_id), None)

"""Adding funds: a form, a page to review, and only then the payment page (rule 4.2).

Nothing is charged by the form. The key made with the form travels along, so a reload,
the back button or a double click place one order (rule 4.5); another amount is another
order. An NCE organisation gets the sentence of the rule instead (rule 2.1).
"""

import uuid
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.access import client_address, membership_for
from accounts.models import Membership, Permission, ProviderSettings
from accounts.rate_limits import count_request
from accounts.refusals import TollgateError
from billing.amount_limits import terms_of
from billing.forms import AddFundsForm, plain_amount, show_refusal
from billing.models import PaymentMethod, TopUp, TopUpTerms
from billing.quote import TopUpQuote, quote_top_up
from billing.recharging.recharge_settings import settings_of
from billing.refusals import CreditsNotForSale
from billing.telling.billing_notices import suspended_notices
from billing.top_up import start_top_up
from billing.views.not_for_sale import not_for_sale
from credits.expiry_date import last_day

RECHARGE_NEXT = "recharge_next"  # the order after which auto-recharge is set up


@never_cache
@require_http_methods(["GET", "POST"])
def add_funds(request: HttpRequest) -> HttpResponse:
    """Takes the amount and leads to the page that shows what it comes to."""
    membership = membership_for(request, may=Permission.BUY)
    if (terms := terms_on_sale(membership)) is None:
        return not_for_sale(request, membership)
    start = {"key": uuid.uuid4(), "amount": request.GET.get("amount", "")}
    form = AddFundsForm(request.POST or None, terms=terms, initial=start)
    if request.method == "POST" and _quote(membership, form):
        given = form.cleaned_data
        order = {
            "amount": plain_amount(given["amount"]),
            "purchase_order": given["purchase_order"],
            "key": given["key"],
        }
        if given["recharge"]:
            order["recharge"] = "on"
        return redirect(f"{reverse('review_funds')}?{urlencode(order)}")
    return _form_page(request, membership, form)


@never_cache
@require_http_methods(["GET", "POST"])
def review_funds(request: HttpRequest) -> HttpResponse:
    """Shows credit, tax, total, expiry and terms; its POST opens the payment page."""
    membership = membership_for(request, may=Permission.BUY)
    if (terms := terms_on_sale(membership)) is None:
        return not_for_sale(request, membership)
    data = request.POST if request.method == "POST" else request.GET
    form = AddFundsForm(data, terms=terms)
    quote = _quote(membership, form)
    if quote is None:
        return _form_page(request, membership, form)
    if request.method == "GET":
        return _review_page(request, membership, form, quote)
    return _pay(request, membership, form, quote)


def _pay(
    request: HttpRequest, membership: Membership, form: AddFundsForm, quote: TopUpQuote
) -> HttpResponse:
    """Places the order, then leaves for its payment page; the same order once."""
    count_request(request, "start_top_up")
    try:
        top_up = _start(request, membership, form)
    except CreditsNotForSale:
        return not_for_sale(request, membership)
    except TollgateError as refusal:
        return _review_page(request, membership, form, quote, refusal)
    except ValidationError as refusal:
        show_refusal(form, refusal)
        return _form_page(request, membership, form)
    if form.cleaned_data["recharge"]:
        request.session[RECHARGE_NEXT] = top_up.pk
    is_waiting = top_up.is_open and top_up.checkout_url
    return redirect(top_up.checkout_url if is_waiting else top_up)


def terms_on_sale(membership: Membership) -> TopUpTerms | None:
    """The terms the organisation buys under; None where nothing is sold to it."""
    if not membership.organisation.buys_credits:
        return None
    try:
        return terms_of(membership.organisation.currency)
    except ValidationError:
        return None


def _quote(membership: Membership, form: AddFundsForm) -> TopUpQuote | None:
    """The figures, or None with the reasons on the form."""
    if not form.is_valid():
        return None
    amount = form.cleaned_data["amount"]
    try:
        return quote_top_up(membership.organisation, amount, at=timezone.now())
    except ValidationError as refusal:
        show_refusal(form, refusal)
        return None


def _start(request: HttpRequest, membership: Membership, form: AddFundsForm) -> TopUp:
    given = form.cleaned_data
    amount, order = given["amount"], given["purchase_order"]
    return start_top_up(
        membership.organisation,
        amount,
        # Another amount or order number on the same form is another order.
        client_key=f"form:{uuid.uuid5(given['key'], f'{amount} {order}')}",
        actor=membership.user,
        language=get_language() or "en",
        at=timezone.now(),
        purchase_order=order,
        ip=client_address(request),
    )


def _form_page(
    request: HttpRequest, membership: Membership, form: AddFundsForm
) -> HttpResponse:
    organisation = membership.organisation
    context = {
        "form": form,
        "terms": form.terms,
        "last_day": last_day(timezone.now(), organisation.zone),
        "has_recharge": settings_of(organisation) is not None,
        # What funds do not lift.
        "blocks": list(suspended_notices(organisation, ProviderSettings.current())),
    }
    status = 422 if form.errors else 200
    return render(request, "billing/add_funds.html", context, status=status)


def _review_page(
    request: HttpRequest,
    membership: Membership,
    form: AddFundsForm,
    quote: TopUpQuote,
    refusal: TollgateError | None = None,
) -> HttpResponse:
    cards = PaymentMethod.objects.kept().filter(organisation=membership.organisation)
    context = {
        "form": form,
        "quote": quote,
        "refusal": refusal,
        "has_cards": cards.exists(),
    }
    status = refusal.status if refusal else 200
    return render(request, "billing/review_funds.html", context, status=status)

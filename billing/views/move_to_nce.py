"""The wizard that moves an organisation to NCE: what will happen, then the deed (2.3).

The first page shows it and takes an optional spending limit; the second repeats it and
asks for an agreement; only that page's button moves anything. It is effective at once,
and there is no way back but by staff.
"""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import client_address, membership_for, need_recent_sign_in
from accounts.models import Membership, Permission
from accounts.refusals import TollgateError
from billing.convert.move_to_nce import move_to_nce
from billing.convert.preview import preview_move
from billing.forms import show_refusal
from calling.postpaid import invoiced_on
from calling.spending.set_limit import check_limit
from credits.money import Micros, currency_of, parse_amount

BY_WIZARD = "Chosen by the customer."


class LimitForm(forms.Form):
    """The spending limit that may begin with the move."""

    limit = forms.CharField(
        label=_("Spending limit a month (optional)"),
        required=False,
        max_length=40,
        help_text=_("Paid calls stop there until the month is over. Empty: no limit."),
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )

    def __init__(self, data: Any = None, *, currency: str) -> None:
        super().__init__(data)
        self.currency = currency

    def clean_limit(self) -> Micros | None:
        typed = self.cleaned_data["limit"].strip()
        if not typed:
            return None
        amount = parse_amount(typed, currency_of(self.currency))
        try:
            check_limit(amount, self.currency)
        except ValidationError as refusal:
            raise ValidationError(refusal.messages) from refusal
        return amount


class AgreeForm(LimitForm):
    """The limit as it was given, and the tick without which nothing moves."""

    limit = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
    agreed = forms.BooleanField(
        label=_("I understand that there is no way back without the provider."),
        error_messages={"required": _("Tick the box to move the organisation.")},
    )


@never_cache
@require_safe
def move_to_post_paid(request: HttpRequest) -> HttpResponse:
    """What will happen; a limit may be given, and the next page asks once more."""
    membership = membership_for(request, may=Permission.BUY)
    need_recent_sign_in(request)
    if not membership.organisation.buys_credits:
        return redirect("moved_to_post_paid")
    currency = membership.organisation.currency
    form = LimitForm(request.GET if "limit" in request.GET else None, currency=currency)
    is_ready = form.is_bound and form.is_valid()
    if is_ready:
        agree = AgreeForm(currency=currency)
        agree.initial["limit"] = request.GET["limit"].strip()
        return _page(request, membership, agree, limit=form.cleaned_data["limit"])
    return _page(request, membership, form)


@never_cache
@require_http_methods(["POST"])
def confirm_post_paid(request: HttpRequest) -> HttpResponse:
    """Moves it, and leads to the page that says how it is from now on."""
    membership = membership_for(request, may=Permission.BUY)
    need_recent_sign_in(request)
    organisation = membership.organisation
    form = AgreeForm(request.POST, currency=organisation.currency)
    if form.is_valid():
        try:
            move_to_nce(
                organisation,
                actor=membership.user,
                reason=BY_WIZARD,
                spending_limit=form.cleaned_data["limit"],
                ip=client_address(request),
                at=timezone.now(),
            )
        except (TollgateError, ValidationError) as refusal:
            show_refusal(form, refusal)
        else:
            return redirect("moved_to_post_paid")
    limit = form.cleaned_data.get("limit")
    return _page(request, membership, form, limit=limit)


@never_cache
@require_safe
def moved_to_post_paid(request: HttpRequest) -> HttpResponse:
    """The result, at an address of its own: since when, and what comes next."""
    membership = membership_for(request, may=Permission.BUY)
    organisation, now = membership.organisation, timezone.now()
    if organisation.buys_credits:
        return redirect("move_to_post_paid")
    since = organisation.mode_periods.get(ends_at=None).starts_at
    context = {
        "organisation": organisation,
        "since": since,
        "preview": preview_move(organisation, now),
        "first_invoice_on": invoiced_on(organisation, organisation.local_day(since)),
        "limit": getattr(organisation, "spending_limit", None),
    }
    return render(request, "billing/moved_to_post_paid.html", context)


def _page(
    request: HttpRequest,
    membership: Membership,
    form: LimitForm,
    *,
    limit: Micros | None = None,
) -> HttpResponse:
    organisation = membership.organisation
    context = {
        "form": form,
        "is_confirming": isinstance(form, AgreeForm),
        "limit": limit,
        "organisation": organisation,
        "preview": preview_move(organisation, timezone.now()),
    }
    status = 422 if form.errors else 200
    return render(request, "billing/move_to_post_paid.html", context, status=status)

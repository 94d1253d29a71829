"""The settings of auto-recharge: the form, its live sentence, and the review page.

The form leads to a review page wherever something is agreed to or charged at once, and
only that page's button does it. Everything asks for a recent sign-in (rule 5.1).
"""

from datetime import timedelta
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers

from accounts.access import client_address, membership_for, need_recent_sign_in
from accounts.models import Membership, Permission
from accounts.rate_limits import count_request
from accounts.refusals import TollgateError
from billing.amount_limits import terms_of
from billing.cards.card_list import card_rows
from billing.forms import show_refusal
from billing.models import RechargeAttempt, RechargeCause, TopUpTerms
from billing.recharging.auto_recharge import save_auto_recharge
from billing.recharging.edit_recharge import EditRecharge, sentence_of
from billing.recharging.recharge import recharge_if_wanted
from billing.recharging.recharge_consent import TEXT_VERSION, consent_text
from billing.recharging.recharge_form import ConsentForm, RechargeForm, typed
from billing.recharging.recharge_preview import RechargePreview
from billing.views.not_for_sale import not_for_sale

JUST_NOW = timedelta(minutes=2)  # a recharge begun since was begun by this form


@never_cache
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def auto_recharge_settings(request: HttpRequest) -> HttpResponse:
    """The form; asked by htmx, only what the settings typed so far would do."""
    membership = membership_for(request, may=Permission.BUY)
    if (terms := _terms(membership)) is None:
        return not_for_sale(request, membership)
    page = EditRecharge(membership.organisation, terms, timezone.now())
    if request.htmx:  # type: ignore[attr-defined]  # set by its middleware
        context = page.outcome(page.form(request.GET))
        return render(request, "billing/_recharge_outcome.html", context)
    need_recent_sign_in(request)
    if request.method == "GET":
        return _form_page(request, page, page.form(initial=page.start()))
    form = page.form(request.POST)
    preview = page.preview(form)
    if preview is None:
        return _form_page(request, page, form)
    if preview.is_reviewed:
        query = urlencode(typed(preview.settings, page.version))
        return redirect(f"{reverse('review_auto_recharge')}?{query}")
    return _save(request, membership, page, form, preview)


@never_cache
@require_http_methods(["GET", "POST"])
def review_auto_recharge(request: HttpRequest) -> HttpResponse:
    """What is agreed to and what is charged at once; its POST does both."""
    membership = membership_for(request, may=Permission.BUY)
    if (terms := _terms(membership)) is None:
        return not_for_sale(request, membership)
    need_recent_sign_in(request)
    page = EditRecharge(membership.organisation, terms, timezone.now())
    is_sent = request.method == "POST"
    form = page.form(request.POST if is_sent else request.GET)
    preview = page.preview(form)
    if preview is None:
        return _form_page(request, page, form)
    consent = ConsentForm(request.POST if is_sent else None)
    if is_sent and (not preview.asks_consent or consent.is_valid()):
        return _save(request, membership, page, form, preview)
    return _review_page(request, page, preview, consent)


def _save(
    request: HttpRequest,
    membership: Membership,
    page: EditRecharge,
    form: RechargeForm,
    preview: RechargePreview,
) -> HttpResponse:
    """Saves, then charges what is due; a second click finds both done."""
    count_request(request, "start_top_up")
    organisation = page.organisation
    try:
        save_auto_recharge(
            organisation,
            preview.settings,
            actor=membership.user,
            ip=client_address(request),
            consent=preview.asks_consent,
            at=page.at,
        )
    except TollgateError:
        return not_for_sale(request, membership)
    except ValidationError as refusal:
        show_refusal(form, refusal)
        return _form_page(request, page, form)
    recharge_if_wanted(
        organisation.pk,
        cause=RechargeCause.SAVE,
        at=page.at,
        is_asked=preview.credit > 0,
    )
    recent = RechargeAttempt.objects.filter(organisation=organisation)
    begun = recent.filter(started_at__gte=page.at - JUST_NOW).first()
    if begun is not None:
        return redirect(begun.top_up)
    messages.success(request, _("Auto-recharge is on with these settings."))
    return redirect("auto_recharge")


def _terms(membership: Membership) -> TopUpTerms | None:
    if not membership.organisation.buys_credits:
        return None
    try:
        return terms_of(membership.organisation.currency)
    except ValidationError:
        return None


def _form_page(
    request: HttpRequest, page: EditRecharge, form: RechargeForm
) -> HttpResponse:
    """The outcome of what the form begins with stands below it from the start."""
    asked = form if form.is_bound else page.form(page.start())
    context = {
        "form": form,
        "rows": card_rows(page.organisation, at=page.at),
        "suggestion": page.suggestion(),
        "terms": page.terms,
        "organisation": page.organisation,
        "version": page.version,
        **page.outcome(asked),
    }
    status = 422 if form.errors else 200
    return render(request, "billing/recharge_settings.html", context, status=status)


def _review_page(
    request: HttpRequest,
    page: EditRecharge,
    preview: RechargePreview,
    consent: ConsentForm,
) -> HttpResponse:
    context = {
        "preview": preview,
        "carried": typed(preview.settings, page.version),
        "query": urlencode(typed(preview.settings, page.version)),
        "form": consent,
        "sentence": sentence_of(preview),
        "consent_text": consent_text(preview.settings, preview.currency),
        "text_version": TEXT_VERSION,
        "is_on": page.row is not None,
    }
    status = 422 if consent.is_bound else 200
    return render(request, "billing/review_recharge.html", context, status=status)

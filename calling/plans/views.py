"""Calling plans: what there is, what is sold, and every change on a page of its own.

What costs money is reviewed first: the form leads to a page that says what it comes to,
and only that page's button does it (rule 1.6).
"""

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from accounts.access import client_address, membership_for
from accounts.models import Membership, Organisation, Permission
from accounts.refusals import TollgateError
from calling.assign_licence import assign_licence, release_licence
from calling.cancel import cancel_subscription, keep_subscription
from calling.change_quantity import change_quantity
from calling.models import CallingPlan, Licence, Line, MinutePool, Subscription
from calling.plans.explain_pool import explain_pool
from calling.plans.forms import MOST_LINES, AssignForm, LicencesForm
from calling.plans.overview import read_plans
from calling.pro_rata import fee_for_rest, rest_of_month
from calling.running import offered_plans, running_licences, running_subscriptions
from calling.subscribe import subscribe
from credits.money import from_money


@require_safe
def plans(request: HttpRequest) -> HttpResponse:
    membership = membership_for(request)
    now = timezone.now()
    context = {
        "page": read_plans(membership.organisation, at=now),
        "may_buy": membership.may(Permission.BUY),
        "organisation": membership.organisation,
        "now": now,
    }
    return render(request, "calling/plans/plans.html", context)


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """Plans and pricing: what is sold in the organisation's billing mode."""
    membership = membership_for(request)
    organisation = membership.organisation
    running = running_subscriptions(organisation, timezone.now())
    mine = {one.plan.family: one.pk for one in running}
    offered = offered_plans(organisation).order_by("kind", "price", "name")
    names = {plan.family: plan.name for plan in offered}
    context = {
        "rows": [
            {
                "plan": plan,
                "mine": mine.get(plan.family),
                "requires": names.get(plan.requires, plan.requires),
            }
            for plan in offered
        ],
        "may_buy": membership.may(Permission.BUY),
    }
    return render(request, "calling/plans/catalogue.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
def add_subscription(request: HttpRequest, pk: int) -> HttpResponse:
    """How many licences, then what they come to, then the subscription."""
    membership = membership_for(request, may=Permission.BUY)
    organisation, now = membership.organisation, timezone.now()
    plan = get_object_or_404(offered_plans(organisation), pk=pk)
    form = _licences_form(request, initial=1)
    refusal = None
    if request.method == "POST" and form.is_valid():
        try:
            made = subscribe(
                organisation,
                plan,
                form.cleaned_data["quantity"],
                at=now,
                actor=membership.user,
                ip=client_address(request),
            )
        except TollgateError as error:
            refusal = error
        else:
            done = _("You have subscribed to %(plan)s.")
            messages.success(request, done % {"plan": plan.name})
            return redirect("subscription", made.pk)
    review = _review(plan, form, 0, organisation, now)
    context = {"plan": plan, "form": form, "review": review, "refusal": refusal}
    return _page(request, "calling/plans/add.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
def change_licences(request: HttpRequest, pk: int) -> HttpResponse:
    """More licences, or fewer: form, review, and the change."""
    membership = membership_for(request, may=Permission.BUY)
    now = timezone.now()
    found = _subscription(membership, pk, now)
    form = _licences_form(request, initial=found.quantity)
    refusal = None
    if request.method == "POST" and form.is_valid():
        try:
            change_quantity(
                found,
                form.cleaned_data["quantity"],
                expected=form.cleaned_data["expected"] or found.quantity,
                at=now,
                actor=membership.user,
                ip=client_address(request),
            )
        except TollgateError as error:
            refusal = error
        else:
            messages.success(request, _("The number of licences is changed."))
            return redirect("subscription", found.pk)
    review = _review(found.plan, form, found.quantity, membership.organisation, now)
    context = {"subscription": found, "plan": found.plan, "form": form}
    context |= {"review": review, "refusal": refusal}
    return _page(request, "calling/plans/change.html", context)


def _licences_form(request: HttpRequest, *, initial: int) -> LicencesForm:
    """Bound once a number is given, by the form or by the review page."""
    given = request.POST if request.method == "POST" else request.GET
    data = given if "quantity" in given else None
    return LicencesForm(data, initial={"quantity": initial, "expected": initial})


def _review(
    plan: CallingPlan,
    form: LicencesForm,
    before: int,
    organisation: Organisation,
    at: datetime,
) -> dict[str, object] | None:
    """What a change comes to, or None while there is no number to speak of."""
    if not form.is_bound or not form.is_valid():
        return None
    quantity, price = form.cleaned_data["quantity"], from_money(plan.price)
    rest = rest_of_month(at, organisation.zone)
    more = quantity - before
    if not more:
        return None
    buckets = [
        {
            "label": bucket.get_bucket_display(),
            "minutes": -(-more * bucket.minutes * rest.days // rest.of),
            "of_month": more * bucket.minutes,
        }
        for bucket in plan.buckets.all()
        if more > 0
    ]
    return {
        "quantity": quantity,
        "before": before,
        "more": more,
        "fee": fee_for_rest(price, abs(more), rest),
        "monthly": price * quantity,
        "currency": organisation.currency,
        "rest": rest,
        "buckets": buckets,
    }


def _page(
    request: HttpRequest, template: str, context: dict[str, object]
) -> HttpResponse:
    form, refusal = context.get("form"), context.get("refusal")
    status = 422 if getattr(form, "errors", None) else 200
    if isinstance(refusal, TollgateError):
        status = refusal.status
    return render(request, template, context, status=status)


def _subscription(membership: Membership, pk: int, at: datetime) -> Subscription:
    """One of the organisation's own that has not ended; else 404."""
    mine = running_subscriptions(membership.organisation, at)
    return get_object_or_404(mine.select_related("organisation"), pk=pk)


@require_safe
def subscription(request: HttpRequest, pk: int) -> HttpResponse:
    """Its licences: which lines have one, which may get one, how they changed."""
    membership = membership_for(request)
    return _subscription_page(request, membership, pk)


def _subscription_page(
    request: HttpRequest,
    membership: Membership,
    pk: int,
    refusals: list[str] | None = None,
) -> HttpResponse:
    organisation, now = membership.organisation, timezone.now()
    found = _subscription(membership, pk, now)
    given = running_licences(organisation, now).filter(subscription=found)
    licences = list(given.order_by("line__name"))
    context = {
        "subscription": found,
        "plan": found.plan,
        "licences": licences,
        "free": found.quantity - len(licences),
        "form": AssignForm(lines=_assignable(organisation, found, licences)),
        "changes": found.quantity_changes.select_related("actor").order_by("-pk")[:20],
        "refusals": refusals,
        "may_buy": membership.may(Permission.BUY),
        "organisation": organisation,
        "buckets": found.plan.buckets.all(),
    }
    status = 409 if refusals else 200
    return render(request, "calling/plans/subscription.html", context, status=status)


def _assignable(
    organisation: Organisation, found: Subscription, licences: list[Licence]
) -> object:
    """Lines in use, in the plan's countries, that have none."""
    lines = Line.objects.filter(organisation=organisation, is_active=True)
    if found.plan.countries:
        lines = lines.filter(usage_country__in=found.plan.countries)
    have = {licence.line_id for licence in licences}
    free = lines.exclude(pk__in=have).order_by("name").values("pk")
    return Line.objects.filter(pk__in=free[:MOST_LINES]).order_by("name")


@require_POST
def assign(request: HttpRequest, pk: int) -> HttpResponse:
    """A licence for each line chosen; what is refused is said line by line."""
    membership = membership_for(request, may=Permission.BUY)
    organisation, now = membership.organisation, timezone.now()
    found = _subscription(membership, pk, now)
    form = AssignForm(
        request.POST, lines=Line.objects.filter(organisation=organisation)
    )
    if not form.is_valid():
        return _subscription_page(request, membership, pk, [_("Choose a line first.")])
    refusals = []
    for line in form.cleaned_data["lines"]:
        try:
            assign_licence(
                found, line, at=now, actor=membership.user, ip=client_address(request)
            )
        except TollgateError as error:
            refusals.append(f"{line.name}: {error}")
    if refusals:
        return _subscription_page(request, membership, pk, refusals)
    count = len(form.cleaned_data["lines"])
    done = ngettext(
        "%(count)s licence is assigned.", "%(count)s licences are assigned.", count
    )
    messages.success(request, done % {"count": count})
    return redirect("subscription", pk)


@require_POST
def release(request: HttpRequest, pk: int) -> HttpResponse:
    membership = membership_for(request, may=Permission.BUY)
    mine = Licence.objects.filter(organisation=membership.organisation)
    licence = get_object_or_404(mine.select_related("subscription__plan"), pk=pk)
    try:
        release_licence(
            licence,
            at=timezone.now(),
            actor=membership.user,
            ip=client_address(request),
        )
    except TollgateError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The licence is released."))
    if request.POST.get("back") == "line":
        return redirect("line", licence.line_id)
    return redirect("subscription", licence.subscription_id)


@require_http_methods(["GET", "POST"])
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Says when it ends and what stops then, before it is cancelled."""
    membership = membership_for(request, may=Permission.BUY)
    now = timezone.now()
    found = _subscription(membership, pk, now)
    refusal = None
    if request.method == "POST":
        try:
            cancel_subscription(
                found, at=now, actor=membership.user, ip=client_address(request)
            )
        except TollgateError as error:
            refusal = error
        else:
            done = _("%(plan)s ends with this month.") % {"plan": found.plan.name}
            messages.success(request, done)
            return redirect("plans")
    given = running_licences(membership.organisation, now)
    context = {
        "subscription": found,
        "plan": found.plan,
        "assigned": given.filter(subscription=found).count(),
        "rest": rest_of_month(now, membership.organisation.zone),
        "refusal": refusal,
    }
    return _page(request, "calling/plans/cancel.html", context)


@require_POST
def keep(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes a cancellation back."""
    membership = membership_for(request, may=Permission.BUY)
    now = timezone.now()
    found = _subscription(membership, pk, now)
    try:
        keep_subscription(
            found, at=now, actor=membership.user, ip=client_address(request)
        )
    except TollgateError as error:
        messages.error(request, str(error))
    else:
        done = _("%(plan)s goes on after this month.") % {"plan": found.plan.name}
        messages.success(request, done)
    return redirect("subscription", found.pk)


@require_safe
def pool(request: HttpRequest, pk: int) -> HttpResponse:
    """Licences × minutes, who used them, what is left, and the rule (rule 7.4)."""
    organisation = membership_for(request).organisation
    mine = MinutePool.objects.filter(organisation=organisation)
    found = get_object_or_404(mine.select_related("organisation", "line"), pk=pk)
    context = {"explanation": explain_pool(found), "organisation": organisation}
    return render(request, "calling/plans/pool.html", context)

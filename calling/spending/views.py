"""The spending limit of an organisation that is billed after use (rule 10.4)."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.access import client_address, membership_for
from accounts.models import Membership, Permission
from accounts.refusals import TollgateError
from calling.models import SpendingLimit
from calling.postpaid import read_spending
from calling.refusals import NotBilledAfterUse
from calling.spending.forms import SpendingLimitForm
from calling.spending.set_limit import remove_spending_limit, set_spending_limit


@never_cache
@require_http_methods(["GET", "POST"])
def spending_limit(request: HttpRequest) -> HttpResponse:
    """How far the month has come, and the limit: set, changed, removed."""
    membership = membership_for(
        request, may=Permission.BUY if request.method == "POST" else Permission.READ
    )
    organisation, now = membership.organisation, timezone.now()
    limit = SpendingLimit.objects.filter(organisation=organisation).first()
    form = SpendingLimitForm(
        request.POST or None, currency=organisation.currency, limit=limit
    )
    is_post_paid = not organisation.buys_credits
    if request.method == "POST" and form.is_valid():
        try:
            _save(request, membership, form)
        except TollgateError as refusal:
            form.add_error(None, ValidationError(str(refusal), refusal.code))
        except ValidationError as refusal:
            form.add_error(None, refusal.messages)
        else:
            return redirect("spending_limit")
    context = {
        "form": form,
        "limit": limit,
        "may_change": membership.may(Permission.BUY),
        "organisation": organisation,
        "refusal": "" if is_post_paid else NotBilledAfterUse.sentence,
        "spending": read_spending(organisation, today=organisation.local_day(now)),
    }
    status = 422 if form.errors else 200
    return render(request, "calling/spending/limit.html", context, status=status)


def _save(
    request: HttpRequest, membership: Membership, form: SpendingLimitForm
) -> None:
    organisation, amount = membership.organisation, form.cleaned_data["amount"]
    at, ip = timezone.now(), client_address(request)
    if amount is None:
        remove_spending_limit(organisation, at=at, actor=membership.user, ip=ip)
        messages.success(request, _("There is no spending limit now."))
        return
    set_spending_limit(
        organisation,
        amount,
        is_hard=form.cleaned_data["is_hard"],
        at=at,
        actor=membership.user,
        ip=ip,
    )
    messages.success(request, _("The spending limit is saved."))

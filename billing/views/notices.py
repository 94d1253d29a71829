"""Who is mailed what: the low-balance alert, and the messages one can do without."""

from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
)

from accounts.access import client_address, membership_for
from accounts.models import Membership, NoticeKind, Permission
from accounts.notify import audience_of
from accounts.opt_out import set_opt_outs, unwanted_kinds
from billing.forms import AlertAddressForm, BalanceAlertForm, plain_amount, show_refusal
from billing.telling.balance_alert import low_threshold, set_low_threshold
from billing.telling.watch_balances import tell_of_balances


@dataclass(frozen=True)
class Mailbox:
    """An address the reader decides for, and the kinds it can do without."""

    address: str
    is_own: bool
    is_alert: bool
    rows: list[tuple[NoticeKind, bool]]


@require_http_methods(["GET", "POST"])
def notices(request: HttpRequest) -> HttpResponse:
    """Shows both; POST changes below which balance the organisation is told."""
    membership = membership_for(request)
    organisation = membership.organisation
    may_buy = membership.may(Permission.BUY)
    threshold = low_threshold(organisation)
    form = BalanceAlertForm(
        request.POST or None,
        currency=organisation.currency,
        initial={"threshold": plain_amount(threshold)},
    )
    if request.method == "POST":
        membership_for(request, may=Permission.BUY)
        if form.is_valid() and _save(request, membership, form):
            return redirect("notices")
    context = {
        "form": form,
        "organisation": organisation,
        "threshold": threshold,
        "may_buy": may_buy,
        "mailboxes": _mailboxes(membership),
        "addresses": organisation.alert_addresses.all() if may_buy else (),
        "address_form": AlertAddressForm(),
    }
    status = 422 if form.errors else 200
    return render(request, "billing/notices.html", context, status=status)


def _save(request: HttpRequest, membership: Membership, form: BalanceAlertForm) -> bool:
    at = timezone.now()
    try:
        set_low_threshold(
            membership.organisation,
            form.cleaned_data["threshold"],
            actor=membership.user,
            at=at,
            ip=client_address(request),
        )
    except ValidationError as error:
        show_refusal(form, error)
        return False
    # What is below it already is told of now, not with the next call.
    tell_of_balances([membership.organisation_id], at)
    messages.success(request, _("The alert is saved."))
    return True


@require_POST
def choose_notices(request: HttpRequest) -> HttpResponse:
    """Keeps the kinds that were ticked for one address, and stops the others."""
    membership = membership_for(request)
    wanted = set(request.POST.getlist("kinds"))
    mine = {box.address: box for box in _mailboxes(membership)}
    box = mine.get(request.POST.get("address", ""))
    if box is None:
        return redirect("notices")
    unwanted = [kind for kind, _is_wanted in box.rows if kind not in wanted]
    set_opt_outs(membership.organisation, box.address, unwanted, at=timezone.now())
    told = _("Saved which messages go to %(address)s.") % {"address": box.address}
    messages.success(request, told)
    return redirect("notices")


def _mailboxes(membership: Membership) -> list[Mailbox]:
    """The reader's own address; for those who pay those of the organisation too."""
    organisation = membership.organisation
    own = membership.user.email.lower()
    addresses = [own]
    alerts: set[str] = set()
    if membership.may(Permission.BUY):
        addresses.append(organisation.billing_email.lower())
        confirmed = organisation.alert_addresses.exclude(confirmed_at=None)
        alerts.update(confirmed.values_list("address", flat=True))
        addresses += sorted(alerts)
    boxes = []
    for address in dict.fromkeys(addresses):
        gets = [
            kind
            for kind in NoticeKind.optional()
            if address in audience_of(kind.rules.audience, organisation)
        ]
        unwanted = unwanted_kinds(organisation, address)
        rows = [(kind, kind not in unwanted) for kind in gets]
        boxes.append(Mailbox(address, address == own, address in alerts, rows))
    return [box for box in boxes if box.rows]

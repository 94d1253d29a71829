"""Paying by bank transfer: announced here, quoted at the bank, matched by staff (4.6).

Nothing is charged and nothing can be spent until the money has arrived. The form is
that of adding funds, with the same limits, roles and refusals (rule 2.1).
"""

import uuid
from contextlib import suppress

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from accounts.access import client_address, membership_for
from accounts.models import Membership, Permission
from accounts.rate_limits import count_request
from accounts.refusals import TollgateError
from billing.forms import AddFundsForm, show_refusal
from billing.models import StaffPayment, TransferAnnouncement
from billing.refusals import CreditsNotForSale, TransferOver
from billing.transfers import announce_transfer as verbs
from billing.views.add_funds import terms_on_sale
from billing.views.not_for_sale import not_for_sale
from credits.models import Lot, LotKind


@never_cache
@require_http_methods(["GET", "POST"])
def announce_transfer(request: HttpRequest) -> HttpResponse:
    """Takes the amount, and leads to the page that says what to write at the bank."""
    membership = membership_for(request, may=Permission.BUY)
    if (terms := terms_on_sale(membership)) is None:
        return not_for_sale(request, membership)
    form = AddFundsForm(request.POST or None, terms=terms, initial=_start(request))
    if request.method == "POST" and form.is_valid():
        count_request(request, "announce_transfer")
        try:
            return redirect(_announce(request, membership, form))
        except CreditsNotForSale:
            return not_for_sale(request, membership)
        except (TollgateError, ValidationError) as refusal:
            show_refusal(form, refusal)
    status = 422 if form.errors else 200
    context = {"form": form, "terms": terms}
    return render(request, "billing/announce_transfer.html", context, status=status)


@never_cache
@require_safe
def transfer(request: HttpRequest, pk: int) -> HttpResponse:
    """What to quote and where to pay; once it has arrived, its receipt."""
    membership = membership_for(request)
    found = _mine(membership, pk)
    if not found.is_open and hasattr(found, "staff_payment"):
        return redirect(found.staff_payment)
    return _transfer_page(request, membership, found)


@require_POST
def cancel_transfer(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes the announcement back; nothing was charged."""
    membership = membership_for(request, may=Permission.BUY)
    found = _mine(membership, pk)
    # One that has arrived meanwhile stays as it is; its own page says so.
    with suppress(TransferOver):
        verbs.cancel_transfer(
            found,
            actor=membership.user,
            at=timezone.now(),
            ip=client_address(request),
        )
    return redirect(found)


@require_safe
def transfer_receipt(request: HttpRequest, pk: int) -> HttpResponse:
    """The receipt of a payment that staff recorded."""
    membership = membership_for(request)
    mine = StaffPayment.objects.filter(organisation=membership.organisation)
    payment = get_object_or_404(mine.select_related("announcement"), pk=pk)
    lots = Lot.objects.filter(
        organisation=membership.organisation, kind=LotKind.STAFF_PAYMENT
    )
    context = {
        "payment": payment,
        "organisation": membership.organisation,
        "announcement": payment.announcement,
        "lot": lots.filter(sale_id=payment.pk).first(),
    }
    return render(request, "billing/transfer_receipt.html", context)


def _mine(membership: Membership, pk: int) -> TransferAnnouncement:
    mine = TransferAnnouncement.objects.filter(organisation=membership.organisation)
    return get_object_or_404(mine.select_related("staff_payment"), pk=pk)


def _start(request: HttpRequest) -> dict[str, object]:
    return {"key": uuid.uuid4(), "amount": request.GET.get("amount", "")}


def _announce(
    request: HttpRequest, membership: Membership, form: AddFundsForm
) -> TransferAnnouncement:
    given = form.cleaned_data
    amount, order = given["amount"], given["purchase_order"]
    return verbs.announce_transfer(
        membership.organisation,
        amount,
        # Another amount or order number on the same form is another announcement.
        client_key=f"form:{uuid.uuid5(given['key'], f'{amount} {order}')}",
        actor=membership.user,
        at=timezone.now(),
        purchase_order=order,
        ip=client_address(request),
    )


def _transfer_page(
    request: HttpRequest, membership: Membership, found: TransferAnnouncement
) -> HttpResponse:
    context = {
        "transfer": found,
        "organisation": membership.organisation,
        "may_buy": membership.may(Permission.BUY),
    }
    return render(request, "billing/transfer.html", context)

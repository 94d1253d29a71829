"""What communications credits are, and whom to ask; open to everybody."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import current_membership
from accounts.models import Permission


@require_safe
def show_help(request: HttpRequest) -> HttpResponse:
    membership = current_membership(request)
    may_buy = (
        membership is not None
        and membership.organisation.buys_credits
        and membership.may(Permission.BUY)
    )
    template = "billing/help.html" if membership else "billing/help_signed_out.html"
    return render(request, template, {"may_buy": may_buy})

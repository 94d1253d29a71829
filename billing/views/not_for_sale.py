"""What every page of buying answers where nothing is sold (rule 2.1)."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.models import Membership
from billing.refusals import CreditsNotForSale


def not_for_sale(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Why nothing is sold here: the rule's own sentence, or no terms of sale."""
    context = {
        "code": CreditsNotForSale.code,
        "sentence": CreditsNotForSale.sentence,
        "is_post_paid": not membership.organisation.buys_credits,
    }
    status = CreditsNotForSale.status
    return render(request, "billing/not_for_sale.html", context, status=status)

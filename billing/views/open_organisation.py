"""The page after sign-up: a new user opens the organisation they act for."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import CHOSEN, signed_in
from accounts.models import Organisation
from billing import open_organisation as verb
from billing.forms import OpenOrganisationForm, show_refusal
from billing.offered_currencies import offered_currencies


@require_http_methods(["GET", "POST"])
def open_organisation(request: HttpRequest) -> HttpResponse:
    """Form, verb, and on to the Credits page of the organisation just opened."""
    owner, now = signed_in(request), timezone.now()
    currencies = offered_currencies(now)
    form = OpenOrganisationForm(
        request.POST or None, owner=owner, currencies=currencies, at=now
    )
    if request.method == "POST" and form.is_valid():
        try:
            organisation = verb.open_organisation(owner=owner, at=now, **form.facts())
        except ValidationError as error:
            show_refusal(form, error)
        else:
            return _welcome(request, organisation)
    context = {"form": form, "currencies": currencies}
    status = 422 if form.errors else 200
    return render(request, "billing/open_organisation.html", context, status=status)


def _welcome(request: HttpRequest, organisation: Organisation) -> HttpResponse:
    request.session[CHOSEN] = organisation.pk
    name = organisation.name
    messages.success(request, _("%(name)s is open.") % {"name": name})
    return redirect("credits")

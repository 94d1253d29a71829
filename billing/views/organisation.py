"""The owner's page about the organisation itself: hand it over, or close it."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import membership_for, need_recent_sign_in
from accounts.models import Membership, Organisation, Permission, User
from accounts.refusals import TollgateError
from accounts.transfer_ownership import transfer_ownership
from billing.close_organisation import close_organisation, preview_closing
from billing.forms import show_refusal


class NewOwnerForm(forms.Form):
    """To whom the organisation is handed over."""

    owner = forms.ModelChoiceField(
        User.objects.none(), label=gettext_lazy("New owner"), empty_label=None
    )

    def __init__(self, data: Any, *, others: list[User]) -> None:
        super().__init__(data)
        chosen = User.objects.filter(pk__in=[user.pk for user in others])
        self.fields["owner"].queryset = chosen.order_by("email")  # type: ignore[attr-defined]


class ClosingForm(forms.Form):
    """Typed in full, so that nobody closes an organisation by a slip."""

    name = forms.CharField(
        label=gettext_lazy("Name of the organisation"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, data: Any, *, organisation: Organisation) -> None:
        super().__init__(data)
        self.organisation = organisation

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if name.strip() != self.organisation.name:
            raise ValidationError(_("Type the name exactly as it is shown."), "name")
        return name


@require_safe
def organisation(request: HttpRequest) -> HttpResponse:
    """What the organisation is, and the two things only its owner does."""
    membership = membership_for(request, may=Permission.MANAGE)
    context = {
        "organisation": membership.organisation,
        "team": _team(membership.organisation),
    }
    return render(request, "billing/organisation.html", context)


@require_http_methods(["GET", "POST"])
def hand_over(request: HttpRequest) -> HttpResponse:
    """Makes another member the owner."""
    membership = membership_for(request, may=Permission.MANAGE)
    need_recent_sign_in(request)
    team = _team(membership.organisation)
    others = [one.user for one in team if one.user_id != membership.user_id]
    form = NewOwnerForm(request.POST or None, others=others)
    if request.method == "POST" and form.is_valid():
        owner = form.cleaned_data["owner"]
        try:
            transfer_ownership(
                membership.organisation,
                owner,
                actor=membership.user,
                at=timezone.now(),
            )
        except TollgateError as refusal:
            show_refusal(form, refusal)
        else:
            done = _("%(name)s is the owner now.") % {"name": owner.get_full_name()}
            messages.success(request, done)
            return redirect("overview")
    context = {"form": form, "others": others}
    status = 422 if form.errors else 200
    return render(request, "billing/hand_over.html", context, status=status)


@require_http_methods(["GET", "POST"])
def close(request: HttpRequest) -> HttpResponse:
    """Shows what would be refunded and given up; closes once the name is typed."""
    membership = membership_for(request, may=Permission.MANAGE)
    need_recent_sign_in(request)
    mine, now = membership.organisation, timezone.now()
    form = ClosingForm(request.POST or None, organisation=mine)
    if request.method == "POST" and form.is_valid():
        try:
            close_organisation(mine, actor=membership.user, at=now)
        except TollgateError as refusal:
            show_refusal(form, refusal)
        else:
            messages.success(request, _("%(name)s is closed.") % {"name": mine.name})
            return redirect("organisation")
    context = {
        "form": form,
        "organisation": mine,
        "closing": preview_closing(mine, now),
    }
    status = 422 if form.errors else 200
    return render(request, "billing/close_organisation.html", context, status=status)


def _team(mine: Organisation) -> list[Membership]:
    team = mine.memberships.select_related("user").filter(user__is_active=True)
    return list(team.order_by("user__email"))

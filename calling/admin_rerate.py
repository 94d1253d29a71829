"""Staff price a span of calls again: fill in, read the dry run, confirm (rule 6.7).

Only the third step does anything, and once: its token is used up. A span that is too
long for a page is left to the command.
"""

import secrets
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import signed_in
from accounts.audit import record_audit
from accounts.models import Organisation
from calling.models import RateCard, WaitingReason
from calling.rerate import NOT_READ, Rerated, Rerating, Span, facts_of, rerate_calls
from credits.display import exact_text

MOST_CALLS = 20_000
SHOWN = 100
ONCE = "rerate_calls_once"
PERMISSION = "calling.change_charge"


class RerateForm(forms.Form):
    card = forms.ModelChoiceField(
        RateCard.objects.order_by("name"), label=gettext_lazy("Rate card")
    )
    since = forms.DateTimeField(label=gettext_lazy("Calls from (UTC)"))
    until = forms.DateTimeField(label=gettext_lazy("Calls until (UTC)"))
    organisation = forms.CharField(
        label=gettext_lazy("Organisation (short name)"),
        required=False,
        max_length=50,
        help_text=gettext_lazy("Empty: all that the card prices."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        min_length=10,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Kept in the audit trail. At least ten characters."),
    )

    def clean_organisation(self) -> Organisation | None:
        slug = self.cleaned_data["organisation"]
        found = Organisation.objects.filter(slug=slug).first()
        if slug and found is None:
            raise ValidationError(_("There is no such organisation."), "unknown")
        return found

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if {"card", "since", "until"} <= cleaned.keys():
            if cleaned["until"] <= cleaned["since"]:
                self.add_error("until", _("The span ends after it begins."))
            elif self.span().charges().count() > MOST_CALLS:
                told = _("These are more than %(most)s calls: use rerate_calls.")
                self.add_error("until", told % {"most": f"{MOST_CALLS:,}"})
        return cleaned

    def span(self) -> Span:
        given = self.cleaned_data
        return Span(
            given["card"], given["since"], given["until"], given.get("organisation")
        )


def rerate_page(request: HttpRequest, page: "admin.ModelAdmin[Any]") -> HttpResponse:
    """The page of the step that is due."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    step = request.POST.get("step", "")
    form = RerateForm(request.POST if step else None)
    if not step or not form.is_valid():
        return _page(request, page, form)
    if step != "confirm":
        result = rerate_calls(form.span(), at=timezone.now(), dry_run=True)
        return _page(request, page, form, result)
    token = request.session.pop(ONCE, None)
    if token is None or token != request.POST.get("once"):
        sent = _("This form was sent before; nothing was done again.")
        page.message_user(request, sent, messages.WARNING)
    else:
        _rerate(request, page, form)
    return redirect("admin:calling_callrecord_changelist")


def _rerate(
    request: HttpRequest, page: "admin.ModelAdmin[Any]", form: RerateForm
) -> None:
    span, at = form.span(), timezone.now()
    result = rerate_calls(span, at=at)
    record_audit(
        "rerate_calls",
        at=at,
        organisation=span.organisation,
        actor=signed_in(request),
        object=f"rate-card:{span.card.pk}",
        reason=form.cleaned_data["reason"],
        after=facts_of(result, span),
    )
    told = _("%(changed)d of %(calls)d calls got a new price.")
    facts = {"changed": len(result.changed), "calls": result.calls}
    page.message_user(request, told % facts, messages.SUCCESS)


def _page(
    request: HttpRequest,
    page: "admin.ModelAdmin[Any]",
    form: RerateForm,
    result: Rerating | None = None,
) -> HttpResponse:
    context: dict[str, Any] = {
        **page.admin_site.each_context(request),
        "opts": page.opts,
        "title": _("Price calls again"),
        "form": form,
        "result": result,
    }
    if result is not None:
        currency = form.span().card.currency
        context |= {
            "once": secrets.token_urlsafe(16),
            "rows": [_row(one) for one in result.changed[:SHOWN]],
            "more": max(0, len(result.changed) - SHOWN),
            "before": exact_text(result.before, currency),
            "after": exact_text(result.after, currency),
            "left": [
                (call_id, _why(reason)) for call_id, reason in result.not_rated[:SHOWN]
            ],
        }
        request.session[ONCE] = context["once"]
    return TemplateResponse(request, "admin/calling/rerate.html", context)


def _row(one: Rerated) -> dict[str, Any]:
    return {
        "call": one,
        "before": exact_text(one.before, one.currency),
        "after": exact_text(one.after, one.currency),
    }


def _why(reason: str) -> str:
    if reason == NOT_READ:
        return _("The kept record can no longer be read.")
    return str(WaitingReason(reason).label)

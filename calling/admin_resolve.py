"""Staff resolve waiting records in three steps: whose, what it costs, confirm.

Only the third does anything, and once: its token is used up.
"""

import secrets
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import signed_in
from accounts.models import Organisation
from accounts.refusals import TollgateError
from calling.assign_records import (
    Decision,
    Forecast,
    NextTime,
    assign_records,
    forecast,
)
from calling.models import Line, RawRecord, RecordState
from credits.display import money_text

ROWS_AT_MOST = 100
ONCE = "resolve_records_once"


class ResolveForm(forms.Form):
    organisation = forms.CharField(
        label=gettext_lazy("Organisation (short name)"), max_length=50
    )
    line = forms.CharField(
        label=gettext_lazy("Line (login or SIP identity)"),
        max_length=150,
        required=False,
        help_text=gettext_lazy("Empty: the line that the record names, if any."),
    )
    next_time = forms.ChoiceField(
        label=gettext_lazy("Next time"), choices=NextTime.choices, required=False
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        min_length=10,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Kept in the audit trail. At least ten characters."),
    )

    def clean_organisation(self) -> Organisation:
        found = Organisation.objects.filter(slug=self.cleaned_data["organisation"])
        organisation = found.first()
        if organisation is None:
            raise ValidationError(_("There is no such organisation."), "unknown")
        return organisation

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        organisation, identity = cleaned.get("organisation"), cleaned.get("line")
        if organisation is not None and identity:
            lines = Line.objects.filter(organisation=organisation)
            cleaned["line"] = lines.filter(identity__iexact=identity).first()
            if cleaned["line"] is None:
                self.add_error("line", _("The organisation has no such line."))
        return cleaned

    def decision(self) -> Decision:
        given = self.cleaned_data
        next_time = NextTime(given["next_time"])
        return Decision(given["organisation"], given["line"] or None, next_time)


def resolve_records(
    request: HttpRequest, page: "admin.ModelAdmin[Any]", rows: "QuerySet[RawRecord]"
) -> HttpResponse | None:
    """The page of the step that is due; None once it is done or refused."""
    waiting = rows.filter(state=RecordState.WAITING).order_by("pk")
    chosen = list(waiting[: ROWS_AT_MOST + 1])
    if not 0 < len(chosen) <= ROWS_AT_MOST:
        refused = _("Choose records that wait, at most %(limit)s of them.")
        page.message_user(request, refused % {"limit": ROWS_AT_MOST}, messages.ERROR)
        return None
    step = request.POST.get("step", "")
    form = ResolveForm(request.POST if step else None)
    if not step or not form.is_valid():
        return _page(request, page, form, chosen)
    if step != "confirm":
        return _page(request, page, form, chosen, decision=form.decision())
    token = request.session.pop(ONCE, None)
    if token is None or token != request.POST.get("once"):
        sent = _("This form was sent before; nothing was done again.")
        page.message_user(request, sent, messages.WARNING)
        return None
    _resolve(request, page, form, chosen)
    return None


def _resolve(
    request: HttpRequest,
    page: "admin.ModelAdmin[Any]",
    form: ResolveForm,
    chosen: list[RawRecord],
) -> None:
    try:
        settled = assign_records(
            [raw.pk for raw in chosen],
            form.decision(),
            actor=signed_in(request),
            reason=form.cleaned_data["reason"],
            at=timezone.now(),
        )
    except TollgateError as refusal:
        page.message_user(request, str(refusal), messages.ERROR)
        return
    told = _("%(settled)d of %(asked)d call records were settled.")
    facts = {"settled": len(settled), "asked": len(chosen)}
    page.message_user(request, told % facts, messages.SUCCESS)


def _page(
    request: HttpRequest,
    page: "admin.ModelAdmin[Any]",
    form: ResolveForm,
    chosen: list[RawRecord],
    decision: Decision | None = None,
) -> HttpResponse:
    context: dict[str, Any] = {
        **page.admin_site.each_context(request),
        "opts": page.opts,
        "title": _("Resolve waiting call records"),
        "action": "resolve",
        "checkbox": ACTION_CHECKBOX_NAME,
        "rows": chosen,
        "form": form,
    }
    if decision is not None:
        context["once"] = request.session[ONCE] = secrets.token_urlsafe(16)
        context["decision"] = decision
        ids = [raw.pk for raw in chosen]
        context["forecasts"] = [
            (one, _cost(one, decision))
            for one in forecast(ids, decision, at=timezone.now())
        ]
    return TemplateResponse(request, "admin/calling/resolve.html", context)


def _cost(one: Forecast, decision: Decision) -> str:
    if one.cost is None:
        return str(one.reason_text)
    return money_text(one.cost, decision.organisation.currency)

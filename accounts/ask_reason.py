"""Asks staff why, before an admin action does anything.

The first click shows what will happen to which rows and asks for a reason of at least
ten characters; only the second carries it out. The verb behind the action writes the
reason into the audit trail and must stand a second click.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.refusals import TollgateError

ROWS_AT_MOST = 100


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        min_length=10,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Kept in the audit trail. At least ten characters."),
    )


Form = TypeVar("Form", bound=ReasonForm)


def ask_reason(
    request: HttpRequest,
    page: "admin.ModelAdmin[Any]",
    rows: QuerySet[Any],
    *,
    action: str,
    title: str | Promise,
    effect: str | Promise,
) -> str | HttpResponse | None:
    """The reason given, or the page that asks for it; None when there are too many."""
    answer = ask_form(
        request, page, rows, ReasonForm, action=action, title=title, effect=effect
    )
    if isinstance(answer, ReasonForm):
        return str(answer.cleaned_data["reason"])
    return answer


def ask_form(
    request: HttpRequest,
    page: "admin.ModelAdmin[Any]",
    rows: QuerySet[Any],
    make_form: Callable[[Any], Form],
    *,
    action: str,
    title: str | Promise,
    effect: str | Promise,
) -> Form | HttpResponse | None:
    """The same where more than a reason is asked for: the valid form."""
    chosen: list[Model] = list(rows[: ROWS_AT_MOST + 1])
    if len(chosen) > ROWS_AT_MOST:
        refused = _("Choose at most %(limit)s rows.") % {"limit": ROWS_AT_MOST}
        page.message_user(request, refused, messages.ERROR)
        return None
    form = make_form(request.POST if "confirmed" in request.POST else None)
    if form.is_valid():
        return form
    context = {
        **page.admin_site.each_context(request),
        "title": title,
        "effect": effect,
        "form": form,
        "rows": chosen,
        "action": action,
        "checkbox": ACTION_CHECKBOX_NAME,
        "opts": page.opts,
    }
    return TemplateResponse(request, "admin/ask_reason.html", context)


class ActsWithReason:
    """Mixed into an admin page whose actions ask why and then call one verb a row."""

    def act(  # the page it is mixed into knows the request, the log and the messages
        self: Any,
        request: HttpRequest,
        rows: QuerySet[Any],
        verb: Callable[[Any, str], object],
        *,
        action: str,
        title: str | Promise,
        effect: str | Promise,
        told: str = "",
    ) -> HttpResponse | None:
        """Asks why, then calls `verb(row, reason)`; a refusal leaves its row alone.

        A verb that changed nothing may return False. `told` says with `%(count)s` how
        many were changed; without it each row is named.
        """
        reason = ask_reason(
            request, self, rows, action=action, title=title, effect=effect
        )
        if not isinstance(reason, str):
            return reason
        changed = []
        for row in rows:
            try:
                if verb(row, reason) is not False:
                    changed.append(row)
            except TollgateError as refused:
                self.message_user(request, f"{row}: {refused}", messages.ERROR)
        for row in changed:
            self.log_change(request, row, f"{action}: {reason}")
        lines = [told % {"count": len(changed)}] if told else map(_done, changed)
        for line in lines:
            self.message_user(request, line, messages.SUCCESS)
        return None


def _done(row: object) -> str:
    return _("%(row)s: done.") % {"row": row}

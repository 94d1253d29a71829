"""Admin pages whose rows only verbs write: the same checks and the same audit trail."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.ask_reason import ask_reason
from accounts.refusals import TollgateError, fence_code

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin

FENCES = {
    "line_of_organisation": gettext_lazy("The line belongs to another organisation."),
    "number_overlap": gettext_lazy("The number is assigned at that time."),
}


class KeptAdmin(ModelAdmin):
    """May be changed by staff, and is never deleted: calls refer to it."""

    list_per_page = 50
    show_full_result_count = False

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False


class ByVerbAdmin(KeptAdmin):
    """What a verb refuses is told in its own sentence, and nothing is written."""

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except (TollgateError, ValidationError, IntegrityError) as refused:
            self.message_user(request, sentence_of(refused), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def act(
        self,
        request: HttpRequest,
        rows: QuerySet[Any],
        verb: Callable[[Any, str], object],
        *,
        action: str,
        title: str | Promise,
        effect: str | Promise,
    ) -> HttpResponse | None:
        """Asks why, then does the verb to each row; a refusal leaves its row alone."""
        reason = ask_reason(
            request, self, rows, action=action, title=title, effect=effect
        )
        if not isinstance(reason, str):
            return reason
        for row in rows:
            try:
                verb(row, reason)
            except TollgateError as refused:
                self.message_user(request, f"{row}: {refused}", messages.ERROR)
            else:
                self.log_change(request, row, action)
                done = _("%(row)s: done.") % {"row": row}
                self.message_user(request, done, messages.SUCCESS)
        return None


def sentence_of(refused: TollgateError | ValidationError | IntegrityError) -> str:
    """What to tell; a database error without a name of ours is none of ours to tell."""
    if isinstance(refused, ValidationError):
        return " ".join(refused.messages)
    if isinstance(refused, IntegrityError):
        if (known := FENCES.get(fence_code(refused))) is None:
            raise refused
        return str(known)
    return str(refused)

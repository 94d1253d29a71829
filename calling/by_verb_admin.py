"""Admin pages whose rows only verbs write: the same checks and the same audit trail."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy

from accounts.ask_reason import ActsWithReason
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


class ByVerbAdmin(ActsWithReason, KeptAdmin):
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


def sentence_of(refused: TollgateError | ValidationError | IntegrityError) -> str:
    """What to tell; a database error without a name of ours is none of ours to tell."""
    if isinstance(refused, ValidationError):
        return " ".join(refused.messages)
    if isinstance(refused, IntegrityError):
        if (known := FENCES.get(fence_code(refused))) is None:
            raise refused
        return str(known)
    return str(refused)

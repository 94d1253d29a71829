"""Staff pages about Stripe: what it told us, and how our books compare with its own."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts.access import signed_in
from accounts.ask_reason import ROWS_AT_MOST
from accounts.read_only_admin import ReadOnlyAdmin
from billing.models import (
    ReconciliationKind,
    ReconciliationRun,
    ReconciliationTotal,
    StripeInbox,
)
from billing.reconciling.add_up import last_ended_run
from billing.reconciling.replays import work_event_again

if TYPE_CHECKING:
    TabularInline = admin.TabularInline[Any, Any]
else:
    TabularInline = admin.TabularInline


@admin.register(StripeInbox)
class StripeInboxAdmin(ReadOnlyAdmin):
    list_display = ("received_at", "type", "event_id", "tries", "worked_at", "error")
    list_filter = ("type", ("worked_at", admin.EmptyFieldListFilter))
    date_hierarchy = "received_at"
    search_fields = ("=event_id",)
    actions = ("process_again",)

    def has_process_permission(self, request: HttpRequest) -> bool:
        return signed_in(request).has_perm("billing.change_stripeinbox")

    @admin.action(description=gettext_lazy("Process again"), permissions=["process"])
    def process_again(
        self, request: HttpRequest, events: "QuerySet[StripeInbox]"
    ) -> None:
        """Asks Stripe anew what each is about; harmless where it was worked (B58)."""
        at = timezone.now()
        for event in events[:ROWS_AT_MOST]:
            try:
                said = work_event_again(event.event_id, at).sentence
                level = messages.SUCCESS
            except Exception as error:  # noqa: BLE001  # shown to the one who clicked
                said, level = f"{type(error).__name__}: {error}", messages.ERROR
            self.log_change(request, event, f"process again: {said}")
            self.message_user(request, f"{event}: {said}", level)


class TotalInline(TabularInline):
    model = ReconciliationTotal
    extra = 0
    can_delete = False
    fields = ("currency", "kind", "ours_shown", "theirs_shown", "difference_shown")
    readonly_fields = fields
    verbose_name_plural = gettext_lazy("What both sides add up to")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("Here"))
    def ours_shown(self, total: ReconciliationTotal) -> str:
        return total.ours_shown

    @admin.display(description=gettext_lazy("At Stripe"))
    def theirs_shown(self, total: ReconciliationTotal) -> str:
        return total.theirs_shown

    @admin.display(description=gettext_lazy("Difference"))
    def difference_shown(self, total: ReconciliationTotal) -> str:
        return total.difference_shown


@admin.register(ReconciliationRun)
class ReconciliationRunAdmin(ReadOnlyAdmin):
    """Its list begins with the latest run of each kind."""

    list_display = (
        "started_at",
        "kind",
        "ended_at",
        "compared",
        "differences",
        "error",
    )
    list_filter = ("kind",)
    date_hierarchy = "started_at"
    exclude = ("position",)
    inlines = (TotalInline,)
    change_list_template = "admin/billing/reconciliations.html"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        runs = ReconciliationRun.objects.order_by("-started_at", "-pk")
        latest = [
            (kind.label, runs.filter(kind=kind).first()) for kind in ReconciliationKind
        ]
        ended = last_ended_run()
        totals = ended.totals.all() if ended else ()
        found = {"latest": latest, "ended": ended, "totals": totals}
        return super().changelist_view(request, found)

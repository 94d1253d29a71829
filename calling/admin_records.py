"""Staff pages about sources, what they hand in, and calls; imported by admin.py.

What switches and settlement write is shown and never changed. Actions replay what
waits and credit a call, and ask why.
"""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from djmoney.money import Money

from accounts.access import signed_in
from accounts.ask_reason import ask_reason
from accounts.audit import record_audit
from accounts.read_only_admin import ReadOnlyAdmin
from calling.admin_credit_call import CreditsCalls
from calling.admin_rerate import rerate_page
from calling.admin_resolve import resolve_records
from calling.intake import admin as admin_intake  # noqa: F401  # registers its page
from calling.models import (
    CallRecord,
    Charge,
    RawRecord,
    RejectedRow,
    Source,
    UsageDay,
)
from calling.replay import settle_raw_records
from credits.money import to_money

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
else:
    ModelAdmin = admin.ModelAdmin
    TabularInline = admin.TabularInline


@admin.register(Source)
class SourceAdmin(ModelAdmin):
    """Records refer to their source, so it is never deleted."""

    list_per_page = 50
    show_full_result_count = False
    list_display = (
        "slug",
        "name",
        "software",
        "home_country",
        "time_zone",
        "api_key",
        "expected_every",
        "heard_at",
    )
    list_select_related = ("api_key",)
    search_fields = ("slug", "name")
    raw_id_fields = ("api_key",)

    def get_readonly_fields(
        self, request: HttpRequest, obj: Source | None = None
    ) -> tuple[str, ...]:
        return ("slug", "heard_at") if obj else ("heard_at",)

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False


@admin.register(RawRecord)
class RawRecordAdmin(ReadOnlyAdmin):
    """Everything that came in; filtered by state, the queue of what waits."""

    list_display = (
        "source",
        "source_record_id",
        "revision",
        "received_at",
        "state",
        "reason",
    )
    list_filter = ("state", "reason", "source")
    list_select_related = ("source",)
    search_fields = ("=source_record_id",)
    ordering = ("-id",)
    actions = ("settle_again", "resolve")

    @admin.action(description=gettext_lazy("Say whose these records are"))
    def resolve(
        self, request: HttpRequest, rows: "QuerySet[RawRecord]"
    ) -> HttpResponse | None:
        return resolve_records(request, self, rows)

    @admin.action(description=gettext_lazy("Try to settle what waits"))
    def settle_again(
        self, request: HttpRequest, rows: "QuerySet[RawRecord]"
    ) -> HttpResponse | None:
        waiting = rows.filter(state="waiting").order_by("pk")
        reason = ask_reason(
            request,
            self,
            waiting,
            action="settle_again",
            title=gettext_lazy("Settle waiting call records"),
            effect=gettext_lazy(
                "Each record is read again; what has an owner and a rate now is "
                "charged, the rest goes on waiting."
            ),
        )
        if not isinstance(reason, str):
            return reason
        at = timezone.now()
        chosen = list(waiting.values_list("pk", flat=True))
        settled = settle_raw_records(chosen, at=at)
        record_audit(
            "settle_waiting_records",
            at=at,
            actor=signed_in(request),
            object=", ".join(map(str, chosen))[:100],
            reason=reason,
            after={"settled": len(settled), "asked": len(chosen)},
        )
        told = _("%(settled)d of %(asked)d call records were settled.")
        self.message_user(
            request,
            told % {"settled": len(settled), "asked": len(chosen)},
            messages.SUCCESS,
        )
        return None


@admin.register(RejectedRow)
class RejectedRowAdmin(ReadOnlyAdmin):
    list_display = ("received_at", "origin", "line", "reason", "source")
    list_filter = ("source",)
    list_select_related = ("source",)
    search_fields = ("origin", "reason")


# --- calls ----------------------------------------------------------------------------


class ChargeInline(TabularInline):
    """Every revision of the call."""

    model = Charge
    extra = 0
    can_delete = False
    fields = (
        "revision",
        "prefix",
        "billed_seconds",
        "rated",
        "pool_seconds",
        "credit_seconds",
        "postpaid_seconds",
        "debt_seconds",
        "booked_at",
    )
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("rated amount"))
    def rated(self, charge: Charge) -> Money:
        return to_money(charge.rated_amount, charge.currency)


@admin.register(CallRecord)
class CallRecordAdmin(CreditsCalls):
    list_display = (
        "started_at",
        "organisation",
        "line",
        "caller",
        "callee",
        "kind",
        "billable_seconds",
        "revision",
        "flags",
    )
    list_filter = ("kind", "direction", "source")
    list_select_related = ("organisation", "line", "source")
    search_fields = ("=source_record_id", "organisation__slug")
    ordering = ("-id",)
    inlines = [ChargeInline]

    def get_urls(self) -> list[URLPattern]:
        rerate = self.admin_site.admin_view(self.rerate)
        own = path("rerate/", rerate, name="calling_callrecord_rerate")
        return [own, *super().get_urls()]

    def rerate(self, request: HttpRequest) -> HttpResponse:
        return rerate_page(request, self)


@admin.register(Charge)
class ChargeAdmin(ReadOnlyAdmin):
    list_display = (
        "call_record_id",
        "revision",
        "organisation",
        "local_day",
        "kind",
        "rated",
        "from_pool",
        "from_credit",
        "after_use",
        "as_debt",
    )
    list_filter = ("kind", "currency")
    list_select_related = ("organisation",)
    search_fields = ("=call_record__source_record_id", "organisation__slug")
    ordering = ("-id",)

    @admin.display(description=gettext_lazy("rated amount"))
    def rated(self, charge: Charge) -> Money:
        return to_money(charge.rated_amount, charge.currency)

    @admin.display(description=gettext_lazy("pool"))
    def from_pool(self, charge: Charge) -> Money:
        return to_money(charge.pool_amount, charge.currency)

    @admin.display(description=gettext_lazy("credit"))
    def from_credit(self, charge: Charge) -> Money:
        return to_money(charge.credit_amount, charge.currency)

    @admin.display(description=gettext_lazy("post-paid"))
    def after_use(self, charge: Charge) -> Money:
        return to_money(charge.postpaid_amount, charge.currency)

    @admin.display(description=gettext_lazy("debt"))
    def as_debt(self, charge: Charge) -> Money:
        return to_money(charge.debt_amount, charge.currency)


@admin.register(UsageDay)
class UsageDayAdmin(ReadOnlyAdmin):
    list_display = ("day", "organisation", "kind", "calls", "seconds", "rated")
    list_filter = ("kind", "currency")
    list_select_related = ("organisation",)
    date_hierarchy = "day"
    search_fields = ("organisation__name", "organisation__slug")

    @admin.display(description=gettext_lazy("rated amount"))
    def rated(self, usage: UsageDay) -> Money:
        return to_money(usage.amount, usage.currency)

"""Staff pages about plans, lines and numbers; records and rates stand next door.

Whatever calls refer to is never deleted.
"""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone

from accounts.access import signed_in
from accounts.read_only_admin import ReadOnlyAdmin
from calling import (
    admin_countries,  # noqa: F401  # Django looks only for this module
    admin_records,  # noqa: F401  # likewise
)
from calling.models import (
    CallingPlan,
    Licence,
    Line,
    MinutePool,
    NumberAssignment,
    PlanBucket,
    Subscription,
)
from calling.publish_plan import publish_plan
from calling.rates import admin as admin_rates  # noqa: F401  # likewise
from calling.resize_pools import resize_pools

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
else:
    ModelAdmin = admin.ModelAdmin
    TabularInline = admin.TabularInline

BY_ORGANISATION = ("organisation__name", "organisation__slug")


class KeptAdmin(ModelAdmin):
    """May be changed by staff, and is never deleted: calls refer to it."""

    list_per_page = 50
    show_full_result_count = False

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False


class GrowsPoolsAdmin(KeptAdmin):
    """What is added here gives its minutes at once (rule 1.6)."""

    def save_model(
        self,
        request: HttpRequest,
        obj: Subscription | Licence,
        form: Any,
        change: Any,
    ) -> None:
        super().save_model(request, obj, form, change)
        resize_pools(obj.organisation, at=timezone.now())


# --- plans ----------------------------------------------------------------------------


class BucketInline(TabularInline):
    """Filled in with a new plan; what is sold never changes."""

    model = PlanBucket
    extra = 0
    can_delete = False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None


@admin.register(CallingPlan)
class CallingPlanAdmin(KeptAdmin):
    """A plan of a family that has one is its next version; only names change."""

    list_display = (
        "name",
        "family",
        "version",
        "kind",
        "billing_mode",
        "price",
        "is_active",
    )
    list_filter = ("kind", "billing_mode", "is_active")
    search_fields = ("name", "slug", "family")
    inlines = [BucketInline]

    def get_readonly_fields(
        self, request: HttpRequest, obj: CallingPlan | None = None
    ) -> tuple[str, ...]:
        if obj is None:
            return ()
        names = ("name", "is_active") if obj.superseded_at is None else ("name",)
        fields = [field.name for field in obj._meta.fields if field.editable]
        return tuple(
            field for field in fields if field not in {*names, "id", "price_currency"}
        )

    def save_model(
        self, request: HttpRequest, obj: CallingPlan, form: Any, change: Any
    ) -> None:
        if change:
            super().save_model(request, obj, form, change)
        else:
            publish_plan(obj, at=timezone.now(), actor=signed_in(request))


@admin.register(Subscription)
class SubscriptionAdmin(GrowsPoolsAdmin):
    list_display = ("organisation", "plan", "quantity", "starts_at", "ends_at")
    list_filter = ("billing_mode", "plan__kind")
    list_select_related = ("organisation", "plan")
    search_fields = BY_ORGANISATION
    raw_id_fields = ("organisation", "plan")

    def get_readonly_fields(
        self, request: HttpRequest, obj: Subscription | None = None
    ) -> tuple[str, ...]:
        if obj is None:
            return ()
        # The number of licences is changed by the verb, which keeps its history.
        return ("organisation", "plan", "billing_mode", "quantity", "starts_at")


@admin.register(Licence)
class LicenceAdmin(GrowsPoolsAdmin):
    list_display = (
        "organisation",
        "line",
        "subscription",
        "assigned_at",
        "released_at",
    )
    list_select_related = ("organisation", "line", "subscription__plan")
    search_fields = (*BY_ORGANISATION, "line__name")
    raw_id_fields = ("organisation", "line", "subscription")


@admin.register(MinutePool)
class MinutePoolAdmin(ReadOnlyAdmin):
    list_display = (
        "organisation",
        "family",
        "bucket",
        "usage_country",
        "line",
        "period_start",
        "granted_seconds",
        "remaining_seconds",
    )
    list_filter = ("bucket", "family")
    list_select_related = ("organisation", "line")
    date_hierarchy = "period_start"
    search_fields = BY_ORGANISATION


# --- lines and numbers ----------------------------------------------------------------


class NumberInline(TabularInline):
    model = NumberAssignment
    extra = 0
    fields = ("number", "starts_at", "ends_at")
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Line)
class LineAdmin(KeptAdmin):
    list_display = (
        "name",
        "organisation",
        "identity",
        "usage_country",
        "department",
        "may_spend_credits",
        "is_active",
    )
    list_filter = ("kind", "usage_country", "may_spend_credits", "is_active")
    list_select_related = ("organisation",)
    search_fields = ("name", "identity", *BY_ORGANISATION)
    raw_id_fields = ("organisation",)
    inlines = [NumberInline]


@admin.register(NumberAssignment)
class NumberAssignmentAdmin(KeptAdmin):
    list_display = (
        "number",
        "organisation",
        "line",
        "service_kind",
        "is_bridge",
        "starts_at",
        "ends_at",
    )
    list_filter = ("service_kind", "is_bridge")
    list_select_related = ("organisation", "line")
    search_fields = ("number", *BY_ORGANISATION)
    raw_id_fields = ("organisation", "line")

"""Staff pages about plans and pools; all others stand next door.

Whatever calls refer to is never deleted.
"""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from accounts.access import signed_in
from accounts.read_only_admin import ReadOnlyAdmin
from calling import (
    admin_countries,  # noqa: F401  # Django looks only for this module
    admin_customers,
    admin_records,  # noqa: F401  # likewise
)
from calling.by_verb_admin import KeptAdmin
from calling.live import admin as admin_live  # noqa: F401  # likewise
from calling.models import CallingPlan, MinutePool, PlanBucket
from calling.permission import admin as admin_permission  # noqa: F401  # likewise
from calling.publish_plan import publish_plan
from calling.rates import admin as admin_rates  # noqa: F401  # likewise
from calling.spending import admin as admin_spending  # noqa: F401  # likewise

if TYPE_CHECKING:
    TabularInline = admin.TabularInline[Any, Any]
else:
    TabularInline = admin.TabularInline


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
    search_fields = admin_customers.BY_ORGANISATION

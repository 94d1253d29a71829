"""The staff page of domestic areas and zone A; imported by admin.py."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone

from accounts.access import signed_in
from calling.call_areas import save_call_country
from calling.models import CallCountry

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


@admin.register(CallCountry)
class CallCountryAdmin(ModelAdmin):
    """What is changed here holds for the calls that are settled from then on."""

    list_display = ("country", "domestic_area", "is_in_zone_a")
    list_filter = ("is_in_zone_a", "domestic_area")
    list_per_page = 100
    search_fields = ("country", "domestic_area")

    def get_readonly_fields(
        self, request: HttpRequest, obj: CallCountry | None = None
    ) -> tuple[str, ...]:
        return ("country",) if obj is not None else ()

    def save_model(
        self, request: HttpRequest, obj: CallCountry, form: Any, change: Any
    ) -> None:
        save_call_country(obj, actor=signed_in(request), at=timezone.now())

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False  # emptied instead, so that the audit trail stays whole

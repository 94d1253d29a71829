"""Spending limits as staff see them; customers set them, a move may (rule 10.4)."""

from django.contrib import admin
from django.utils.translation import gettext_lazy
from djmoney.money import Money

from accounts.read_only_admin import ReadOnlyAdmin
from calling.models import SpendingLimit
from credits.money import to_money


@admin.register(SpendingLimit)
class SpendingLimitAdmin(ReadOnlyAdmin):
    list_display = ("organisation", "limit", "is_hard", "told_percent", "changed_at")
    list_filter = ("is_hard",)
    list_select_related = ("organisation",)
    date_hierarchy = "changed_at"
    search_fields = ("organisation__name", "organisation__slug")

    @admin.display(description=gettext_lazy("amount a month"), ordering="amount")
    def limit(self, row: SpendingLimit) -> Money:
        return to_money(row.amount, row.organisation.currency)

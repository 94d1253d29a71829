"""Lots and the ledger for staff: to read, to search, never to change.

The wallet's page and the actions that move money belong to billing.
"""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from djmoney.money import Money

from credits.models import LedgerEntry, Lot

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class ReadOnlyAdmin(ModelAdmin):
    """Nobody adds, changes or deletes here; the database refuses it as well."""

    list_per_page = 50
    show_full_result_count = False
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: object | None = None
    ) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: object | None = None
    ) -> bool:
        return False


@admin.register(Lot)
class LotAdmin(ReadOnlyAdmin):
    list_display = (
        "reference",
        "organisation",
        "kind",
        "left",
        "of",
        "issued_at",
        "expires_at",
        "exhausted_at",
        "lapsed_at",
    )
    list_filter = ("kind", "currency", ("exhausted_at", admin.EmptyFieldListFilter))
    list_select_related = ("organisation",)
    date_hierarchy = "issued_at"
    ordering = ("-id",)
    search_fields = ("=reference", "organisation__name", "organisation__slug")

    @admin.display(description=_("remaining"), ordering="remaining")
    def left(self, lot: Lot) -> Money:
        return lot.money(lot.remaining)

    @admin.display(description=_("original"), ordering="original")
    def of(self, lot: Lot) -> Money:
        return lot.money(lot.original)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    list_display = (
        "booked_at",
        "organisation",
        "wallet_seq",
        "kind",
        "lot",
        "moved",
        "balance",
        "reference",
        "note",
    )
    list_filter = ("kind", ("lot", admin.EmptyFieldListFilter))
    list_select_related = ("organisation", "lot")
    date_hierarchy = "booked_at"
    ordering = ("-id",)
    search_fields = ("=reference", "organisation__name", "organisation__slug")

    @admin.display(description=_("amount"), ordering="amount")
    def moved(self, entry: LedgerEntry) -> Money:
        return entry.money(entry.amount)

    @admin.display(description=_("ledger balance"))
    def balance(self, entry: LedgerEntry) -> Money:
        return entry.money(entry.balance_after)

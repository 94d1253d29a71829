"""Lots and the ledger for staff: to read, to search, never to change.

The wallet's page and the actions that move money belong to billing.
"""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from djmoney.money import Money

from accounts.read_only_admin import ReadOnlyAdmin
from credits.models import LedgerEntry, Lot


@admin.register(Lot)
class LotAdmin(ReadOnlyAdmin):
    actions = None
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
    actions = None
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

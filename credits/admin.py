"""Lots and the ledger for staff: to read, to search, never to change.

The wallet's page and the actions that move money belong to billing.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from djmoney.money import Money

from accounts.access import signed_in
from accounts.ask_reason import ReasonForm, ask_form
from accounts.read_only_admin import ReadOnlyAdmin
from accounts.refusals import TollgateError
from credits.admin_adjust import LowersLots
from credits.breakage import breakage
from credits.extend import extend_lot
from credits.models import LedgerEntry, Lot


class ExtensionForm(ReasonForm):
    """Until when, and why."""

    last_day = forms.DateField(
        label=_("New last day"),
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Counted where the organisation's days are."),
    )


@admin.register(Lot)
class LotAdmin(LowersLots):
    actions = ("extend", "lower")
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

    def has_extend_permission(self, request: HttpRequest) -> bool:
        return signed_in(request).has_perm("credits.extend_lot")

    @admin.action(description=_("Extend the expiry, once"), permissions=["extend"])
    def extend(
        self, request: HttpRequest, lots: "QuerySet[Lot]"
    ) -> HttpResponse | None:
        answer = ask_form(
            request,
            self,
            lots,
            ExtensionForm,
            action="extend",
            title=_("Extend the expiry"),
            effect=_(
                "The credit can be used to the end of the new last day. Each lot is "
                "extended once."
            ),
        )
        if not isinstance(answer, ExtensionForm):
            return answer
        for lot in lots:
            self._extend_one(request, lot, answer)
        return None

    def _extend_one(
        self, request: HttpRequest, lot: Lot, form: "ExtensionForm"
    ) -> None:
        try:
            extend_lot(
                lot,
                form.cleaned_data["last_day"],
                reason=form.cleaned_data["reason"],
                actor=signed_in(request),
                at=timezone.now(),
            )
        except TollgateError as refused:
            self.message_user(request, f"{lot}: {refused}", messages.ERROR)
        else:
            done = gettext("%(lot)s is extended.") % {"lot": lot}
            self.message_user(request, done, messages.SUCCESS)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    actions = None
    change_list_template = "admin/credits/ledgerentry/change_list.html"
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

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.breakage)
        return [
            path("breakage/", page, name="credits_breakage"),
            *super().get_urls(),
        ]

    def breakage(self, request: HttpRequest) -> HttpResponse:
        """What expired, by month of booking, paid and promotional."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Expired credit by month"),
            "rows": breakage(),
        }
        return TemplateResponse(request, "admin/credits/breakage.html", context)

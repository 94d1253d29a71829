"""Staff pages about organisations, their wallets and their sales.

Figures are shown and never typed: whatever moves money is an action that asks why,
shows before and after, and calls the verb a customer's page would call.
"""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import F, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from djmoney.money import Money
from simple_history.admin import SimpleHistoryAdmin

from accounts.access import signed_in
from accounts.models import Membership, Organisation
from billing.admin_credit import GRANT_CREDIT, RECORD_PAYMENT, give_credit
from billing.admin_forms import ChooseOrganisationForm, NewOrganisationForm, TermsForm
from billing.collecting.admin_invoices import SuspendsOrganisations
from billing.convert.admin_convert import MovesOrganisations
from billing.invoicing.admin_invoicing import ClosesMonths
from billing.models import StaffPayment, TopUp, TopUpTerms
from billing.open_organisation import open_organisation
from billing.recharging import admin_recharges  # noqa: F401  # its pages
from billing.reconciling import admin_reconciliation  # noqa: F401  # its pages
from billing.reversing.admin_reversals import (
    ClosesOrganisations,
    RefundsTopUps,
    SendsMoneyBack,
)
from billing.set_terms import Limits, set_terms
from billing.transfers import admin_transfers  # noqa: F401  # its pages
from credits.admin_adjust import ForgivesDebt
from credits.display import money_text
from credits.models import LedgerEntry, Lot, Wallet
from credits.statement import list_lots

if TYPE_CHECKING:
    TabularInline = admin.TabularInline[Any, Any]
else:
    TabularInline = admin.TabularInline

LATEST = 20  # ledger entries shown on a page; all of them are one click away
BY_ORGANISATION = ("organisation__name", "organisation__slug")


class ReadOnlyInline(TabularInline):
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class MemberInline(ReadOnlyInline):
    model = Membership
    fields = ("user", "role")


class LotInline(ReadOnlyInline):
    """Lots with something left."""

    model = Lot
    fields = ("reference", "kind", "left", "issued_at", "expires_at")
    readonly_fields = ("left",)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Lot]":
        lots: QuerySet[Lot] = super().get_queryset(request)
        return lots.filter(exhausted_at=None).order_by("expires_at", "id")

    @admin.display(description=gettext_lazy("remaining"))
    def left(self, lot: Lot) -> Money:
        return lot.money(lot.remaining)


class EntryInline(ReadOnlyInline):
    """The latest entries."""

    model = LedgerEntry
    fields = ("booked_at", "kind", "moved", "balance", "reference")
    readonly_fields = ("moved", "balance")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[LedgerEntry]":
        entries: QuerySet[LedgerEntry] = super().get_queryset(request)
        newest = F("organisation__wallet__last_seq") - LATEST
        found = entries.filter(wallet_seq__gt=newest).order_by("-wallet_seq")
        return found.select_related("organisation")

    @admin.display(description=gettext_lazy("amount"))
    def moved(self, entry: LedgerEntry) -> Money:
        return entry.money(entry.amount)

    @admin.display(description=gettext_lazy("ledger balance"))
    def balance(self, entry: LedgerEntry) -> Money:
        return entry.money(entry.balance_after)


@admin.register(Organisation)
class OrganisationAdmin(
    MovesOrganisations,
    ClosesOrganisations,
    SuspendsOrganisations,
    ClosesMonths,
    SimpleHistoryAdmin,  # type: ignore[misc]  # untyped
):
    list_display = (
        "name",
        "slug",
        "billing_mode",
        "currency",
        "country",
        "opened_at",
        "suspended_at",
        "closed_at",
    )
    list_filter = ("billing_mode", "currency", "country")
    search_fields = ("name", "slug", "account_code", "billing_email")
    date_hierarchy = "opened_at"
    list_per_page = 50
    show_full_result_count = False
    actions = (
        "grant_credit",
        "record_payment",
        "suspend",
        "resume",
        "close",
        "close_month",
        "move_to_nce",
        "back_to_prepaid",
    )
    inlines = (MemberInline, LotInline, EntryInline)
    # What money depends on changes by a verb or never.
    fixed = (
        "slug",
        "account_code",
        "currency",
        "billing_mode",
        "terms_version",
        "opened_at",
        "restricted_at",
        "suspended_at",
        "suspended_because",
        "closed_at",
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return NewOrganisationForm.Meta.fields
        return (
            "name",
            "country",
            "time_zone",
            "language",
            "billing_email",
            "address",
            "tax_id",
            *self.fixed,
        )

    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,  # noqa: FBT001, FBT002  # Django's
        **kwargs: Any,
    ) -> Any:
        if obj is None:
            kwargs["form"] = NewOrganisationForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fixed if obj else ()

    def get_inlines(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.inlines if obj else ()

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False  # an organisation is closed, its books are kept

    def has_grant_credit_permission(self, request: HttpRequest) -> bool:
        return signed_in(request).has_perm("billing.grant_credit")

    def has_record_payment_permission(self, request: HttpRequest) -> bool:
        return signed_in(request).has_perm("billing.record_payment")

    def save_model(
        self, request: HttpRequest, obj: Organisation, form: Any, change: Any
    ) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        made = open_organisation(**form.facts(), at=timezone.now())
        obj.__dict__.update(made.__dict__)

    @admin.action(
        description=gettext_lazy("Grant promotional credit"),
        permissions=["grant_credit"],
    )
    def grant_credit(
        self, request: HttpRequest, organisations: "QuerySet[Organisation]"
    ) -> HttpResponse | None:
        return give_credit(request, self, list(organisations), GRANT_CREDIT)

    @admin.action(
        description=gettext_lazy("Record bank transfers"),
        permissions=["record_payment"],
    )
    def record_payment(
        self, request: HttpRequest, organisations: "QuerySet[Organisation]"
    ) -> HttpResponse | None:
        return give_credit(request, self, list(organisations), RECORD_PAYMENT)


@admin.register(Wallet)
class WalletAdmin(ForgivesDebt):
    actions = ("forgive",)
    list_display = ("organisation", "currency", "balance", "debt_shown", "held")
    list_select_related = ("organisation",)
    list_filter = ("currency",)
    search_fields = BY_ORGANISATION
    ordering = ("organisation__name",)
    fields = (
        "organisation",
        "currency",
        "balance",
        "debt_shown",
        "held",
        "coming",
        "next_expiry_at",
        "lots",
        "entries",
    )
    readonly_fields = ("balance", "debt_shown", "held", "coming", "lots", "entries")

    @admin.display(description=gettext_lazy("ledger balance"))
    def balance(self, wallet: Wallet) -> Money:
        return wallet.money(wallet.ledger_balance)

    @admin.display(description=gettext_lazy("debt"))
    def debt_shown(self, wallet: Wallet) -> Money:
        return wallet.money(wallet.debt)

    @admin.display(description=gettext_lazy("held by live calls"))
    def held(self, wallet: Wallet) -> Money:
        return wallet.money(wallet.reserved)

    @admin.display(description=gettext_lazy("incoming"))
    def coming(self, wallet: Wallet) -> Money:
        return wallet.money(wallet.incoming)

    @admin.display(description=gettext_lazy("lots that can be spent"))
    def lots(self, wallet: Wallet) -> SafeString:
        lines = [
            (
                lot.get_kind_display(),
                money_text(lot.remaining, lot.currency),
                f"{lot.expires_at:%Y-%m-%d %H:%M}",
            )
            for lot in list_lots(wallet.organisation_id, timezone.now())
        ]
        return format_html_join("", "<p>{} {} → {}</p>", lines)

    @admin.display(description=gettext_lazy("latest entries"))
    def entries(self, wallet: Wallet) -> SafeString:
        newest = wallet.organisation.ledger_entries.order_by("-wallet_seq")[:LATEST]
        lines = [
            (
                f"{entry.booked_at:%Y-%m-%d %H:%M}",
                entry.get_kind_display(),
                money_text(entry.amount, wallet.currency, plus=True),
                entry.reference,
            )
            for entry in newest
        ]
        return format_html_join("", "<p>{} {} {} {}</p>", lines)


@admin.register(TopUp)
class TopUpAdmin(RefundsTopUps):
    list_display = (
        "id",
        "organisation",
        "state",
        "total",
        "receipt_number",
        "failure_code",
        "started_at",
        "paid_at",
    )
    list_filter = ("state", "currency")
    list_select_related = ("organisation",)
    date_hierarchy = "started_at"
    search_fields = (
        *BY_ORGANISATION,
        "=receipt_number",
        "=stripe_payment_intent_id",
        "=stripe_session_id",
    )


@admin.register(StaffPayment)
class StaffPaymentAdmin(SendsMoneyBack):
    list_display = (
        "bank_reference",
        "organisation",
        "kind",
        "amount",
        "receipt_number",
        "purchase_order",
        "recorded_by",
        "recorded_at",
    )
    list_filter = ("kind", "currency")
    list_select_related = ("organisation", "recorded_by")
    date_hierarchy = "recorded_at"
    search_fields = (
        *BY_ORGANISATION,
        "=bank_reference",
        "=receipt_number",
        "=purchase_order",
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return signed_in(request).has_perm("billing.record_payment")

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Asks whose payment it is, then goes the way of the action."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        sent = request.POST or request.GET
        form = ChooseOrganisationForm(sent if "organisation" in sent else None)
        if not form.is_valid():
            context = {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": _("Record a bank transfer"),
                "form": form,
            }
            page = "admin/billing/choose_organisation.html"
            return TemplateResponse(request, page, context)
        chosen = [form.cleaned_data["organisation"]]
        answer = give_credit(request, self, chosen, RECORD_PAYMENT)
        return answer or redirect("admin:billing_staffpayment_changelist")


@admin.register(TopUpTerms)
class TopUpTermsAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not at run time
    form = TermsForm
    list_display = ("currency", "minimum", "maximum", "maximum_balance")
    fields = ("currency", *Limits._fields)

    def save_model(
        self, request: HttpRequest, obj: TopUpTerms, form: Any, change: Any
    ) -> None:
        made = set_terms(
            form.cleaned_data["currency"],
            form.limits(),
            actor=signed_in(request),
            at=timezone.now(),
        )
        obj.__dict__.update(made.__dict__)

"""Staff pages of what is billed: months, goodwill, credited lines, rates of tax.

Drafts are reviewed on the page of invoices, where their lines are shown. Each action
asks why and goes through the verb.
"""

from datetime import date
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from accounts.access import signed_in
from accounts.ask_reason import ReasonForm, ask_form
from accounts.models import Organisation
from accounts.read_only_admin import ReadOnlyAdmin
from billing.admin_forms import positive_amount
from billing.invoicing.close_month import close_month
from billing.invoicing.credit_invoice import credit_invoice, creditable_lines
from billing.invoicing.give_goodwill import give_goodwill
from billing.models import ClosedMonth, Invoice, InvoiceLine, TaxRate
from billing.reversing.admin_reversals import attempt
from credits.display import exact_text, money_text
from credits.money import Micros

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class MonthForm(ReasonForm):
    """Which month is closed before its time comes."""

    month = forms.RegexField(
        r"^\d{4}-(0[1-9]|1[0-2])$",
        label=gettext_lazy("Month"),
        help_text=gettext_lazy("Such as 2026-11; it must be over."),
    )
    field_order = ("month", "reason")

    def clean_month(self) -> date:
        return date.fromisoformat(f"{self.cleaned_data['month']}-01")


class GoodwillForm(ReasonForm):
    """By how much a draft is lowered; the customer reads why."""

    amount = forms.CharField(
        label=gettext_lazy("Amount before tax"),
        max_length=40,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )
    field_order = ("amount", "reason")

    def __init__(self, data: Any, *, invoice: Invoice) -> None:
        super().__init__(data)
        self.currency = invoice.currency

    def clean_amount(self) -> Micros:
        return positive_amount(self.cleaned_data["amount"], self.currency)


class LinesForm(ReasonForm):
    """Which lines of an invoice are taken back."""

    lines = forms.ModelMultipleChoiceField(
        InvoiceLine.objects.none(),
        label=pgettext_lazy("document", "Lines"),
        widget=forms.CheckboxSelectMultiple,
    )
    field_order = ("lines", "reason")

    def __init__(self, data: Any, *, invoice: Invoice) -> None:
        super().__init__(data)
        left = [line.pk for line in creditable_lines(invoice)]
        field = self.fields["lines"]
        field.queryset = InvoiceLine.objects.filter(pk__in=left)  # type: ignore[attr-defined]
        field.label_from_instance = _line_label  # type: ignore[attr-defined]


def _line_label(line: InvoiceLine) -> str:
    names = ("plan", "month", "country", "department")
    told = [line.get_kind_display(), *(str(line.facts.get(name, "")) for name in names)]
    amount = exact_text(line.amount, line.invoice.currency)
    return f"{line.position}. {' · '.join(filter(None, told))}: {amount}"


class ClosesMonths:
    """An action of the list of organisations."""

    def has_close_period_permission(self, request: HttpRequest) -> bool:
        return signed_in(request).has_perm("billing.close_period")

    @admin.action(
        description=gettext_lazy("Close a month"), permissions=["close_period"]
    )
    def close_month(
        self: Any, request: HttpRequest, organisations: "QuerySet[Organisation]"
    ) -> HttpResponse | None:
        form = ask_form(
            request,
            self,
            organisations,
            MonthForm,
            action="close_month",
            title=_("Close a month"),
            effect=_(
                "Drafts what is to be billed now, instead of 72 hours after the "
                "month's end; calls that are told later go to the next invoice."
            ),
        )
        if not isinstance(form, MonthForm):
            return form
        given, actor = form.cleaned_data, signed_in(request)
        for one in organisations.order_by("pk"):
            attempt(
                self,
                request,
                lambda one=one: close_month(  # type: ignore[misc]
                    one,
                    given["month"],
                    actor=actor,
                    reason=given["reason"],
                    at=timezone.now(),
                ),
                _("%(row)s: done.") % {"row": one},
            )
        return None


class LowersInvoices:
    """Two actions of the list of invoices: goodwill on a draft, lines taken back."""

    @admin.action(description=gettext_lazy("Give goodwill"), permissions=["issue"])
    def give_goodwill(
        self: Any, request: HttpRequest, invoices: "QuerySet[Invoice]"
    ) -> HttpResponse | None:
        if (chosen := _only(self, request, invoices)) is None:
            return None
        form = ask_form(
            request,
            self,
            invoices,
            lambda data: GoodwillForm(data, invoice=chosen),
            action="give_goodwill",
            title=_("Give goodwill"),
            effect=_("A negative line with the reason; the draft asks for less."),
        )
        if not isinstance(form, GoodwillForm):
            return form
        given, actor = form.cleaned_data, signed_in(request)
        attempt(
            self,
            request,
            lambda: give_goodwill(
                chosen,
                given["amount"],
                actor=actor,
                reason=given["reason"],
                at=timezone.now(),
            ),
            _("%(number)s: lowered by %(amount)s.")
            % {
                "number": chosen,
                "amount": money_text(given["amount"], form.currency),
            },
        )
        return None

    @admin.action(description=gettext_lazy("Credit lines"), permissions=["issue"])
    def credit_lines(
        self: Any, request: HttpRequest, invoices: "QuerySet[Invoice]"
    ) -> HttpResponse | None:
        if (chosen := _only(self, request, invoices)) is None:
            return None
        form = ask_form(
            request,
            self,
            invoices,
            lambda data: LinesForm(data, invoice=chosen),
            action="credit_lines",
            title=_("Credit lines of an invoice"),
            effect=_("A credit note takes them back, with their share of the tax."),
        )
        if not isinstance(form, LinesForm):
            return form
        given, actor = form.cleaned_data, signed_in(request)
        attempt(
            self,
            request,
            lambda: credit_invoice(
                chosen,
                lines=list(given["lines"]),
                actor=actor,
                reason=given["reason"],
                at=timezone.now(),
            ),
            _("%(number)s: done.") % {"number": chosen},
        )
        return None


def _only(
    page: ModelAdmin, request: HttpRequest, invoices: "QuerySet[Invoice]"
) -> Invoice | None:
    chosen = list(invoices[:2])
    if len(chosen) == 1:
        return chosen[0]
    page.message_user(request, _("Choose one invoice."), messages.ERROR)
    return None


@admin.register(ClosedMonth)
class ClosedMonthAdmin(ReadOnlyAdmin):
    list_display = ("organisation", "month", "invoice", "closed_at")
    list_select_related = ("organisation", "invoice")
    date_hierarchy = "month"
    search_fields = ("organisation__name", "organisation__slug")


@admin.register(TaxRate)
class TaxRateAdmin(ModelAdmin):
    """A rate that holds stays as it was; another one is added from a later day."""

    list_display = ("country", "name", "percent", "valid_from")
    list_filter = ("country",)

    def has_change_permission(
        self, request: HttpRequest, obj: TaxRate | None = None
    ) -> bool:
        holds = obj is not None and obj.valid_from <= timezone.localdate()
        return not holds and bool(super().has_change_permission(request, obj))

    def has_delete_permission(
        self, request: HttpRequest, obj: TaxRate | None = None
    ) -> bool:
        holds = obj is not None and obj.valid_from <= timezone.localdate()
        return not holds and bool(super().has_delete_permission(request, obj))

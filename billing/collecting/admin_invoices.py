"""Staff pages about invoices: read only, and the verbs as actions (rule 10.2).

Issue, void, write off, credit in whole, record a transfer; and on the list of
organisations suspend and resume. Each asks why and goes through the verb of the pages.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import signed_in
from accounts.ask_reason import ReasonForm, ask_form, ask_reason
from accounts.models import Organisation, SuspendedBecause
from accounts.read_only_admin import ReadOnlyAdmin
from billing.admin_forms import positive_amount
from billing.collecting.end_invoice import void_invoice, write_off_invoice
from billing.collecting.issue_invoice import issue_invoice
from billing.collecting.minor_units import micros_of, minor_of
from billing.collecting.pay_invoice import record_invoice_payment
from billing.collecting.service_stops import resume, suspend
from billing.documents.keep_document import keep_document
from billing.invoicing.admin_invoicing import LowersInvoices
from billing.invoicing.credit_invoice import credit_invoice
from billing.models import Invoice, InvoiceLine, InvoicePayment, InvoicePaymentKind
from billing.reversing.admin_reversals import attempt
from credits.display import exact_text, money_text
from credits.money import Micros

if TYPE_CHECKING:
    TabularInline = admin.TabularInline[Any, Any]
else:
    TabularInline = admin.TabularInline

STAFF_REASONS = (SuspendedBecause.FRAUD, SuspendedBecause.REQUEST)


class TransferForm(ReasonForm):
    """A bank transfer that arrived for one invoice, whole or part."""

    amount = forms.CharField(
        label=gettext_lazy("Amount that arrived"),
        max_length=40,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )
    bank_reference = forms.CharField(
        label=gettext_lazy("Bank reference"), max_length=100
    )
    field_order = ("amount", "bank_reference", "reason")

    def __init__(self, data: Any, *, invoice: Invoice) -> None:
        super().__init__(data)
        self.currency = invoice.currency
        left = money_text(micros_of(invoice.owed_minor, self.currency), self.currency)
        self.fields["amount"].help_text = _("Still owed: %(left)s.") % {"left": left}

    def clean_amount(self) -> Micros:
        return positive_amount(self.cleaned_data["amount"], self.currency)


class SuspendForm(ReasonForm):
    """Why every call is stopped: what the customer is told, and a reason for us."""

    because = forms.ChoiceField(
        label=gettext_lazy("Reason told to the customer"),
        choices=[(reason.value, reason.label) for reason in STAFF_REASONS],
    )
    field_order = ("because", "reason")


class ShownInline(TabularInline):
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class LineInline(ShownInline):
    model = InvoiceLine
    fields = ("position", "kind", "exact", "minor", "tax_percent", "facts")
    readonly_fields = ("exact",)
    ordering = ("position",)

    @admin.display(description=gettext_lazy("exact amount"))
    def exact(self, line: InvoiceLine) -> str:
        return exact_text(line.amount, line.invoice.currency)


class PaymentInline(ShownInline):
    model = InvoicePayment
    fields = (
        "received_at",
        "kind",
        "amount_minor",
        "reference",
        "recorded_by",
        "note",
    )
    ordering = ("id",)


@admin.register(Invoice)
class InvoiceAdmin(LowersInvoices, ReadOnlyAdmin):
    list_display = (
        "__str__",
        "organisation",
        "kind",
        "month",
        "state",
        "total",
        "left",
        "issued_at",
        "due_on",
        "document",
    )
    list_filter = ("state", "kind", "billing_mode", "currency")
    list_select_related = ("organisation",)
    date_hierarchy = "drafted_at"
    search_fields = (
        "=number",
        "organisation__name",
        "organisation__slug",
        "=stripe_invoice_id",
    )
    inlines = (LineInline, PaymentInline)
    actions = (
        "issue",
        "give_goodwill",
        "record_transfer",
        "credit",
        "credit_lines",
        "void",
        "write_off",
    )

    @admin.display(description=gettext_lazy("total"), ordering="total_minor")
    def total(self, invoice: Invoice) -> str:
        return _money(invoice, invoice.total_minor)

    @admin.display(description=gettext_lazy("still owed"))
    def left(self, invoice: Invoice) -> str:
        return _money(invoice, invoice.owed_minor) if invoice.is_owed else ""

    @admin.display(description="PDF")
    def document(self, invoice: Invoice) -> SafeString | str:
        if not invoice.number:
            return ""
        address = reverse("admin:billing_invoice_pdf", args=[invoice.pk])
        return format_html('<a href="{}">PDF</a>', address)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.pdf_view)
        own: list[URLPattern] = super().get_urls()
        return [path("<int:pk>/pdf/", view, name="billing_invoice_pdf"), *own]

    def pdf_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The document as the customer has it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        issued = Invoice.objects.issued().select_related("organisation", "credits")
        found = get_object_or_404(issued, pk=pk)
        kept = keep_document(found, at=timezone.now())
        return HttpResponse(bytes(kept.content), content_type="application/pdf")

    def has_issue_permission(self, request: HttpRequest) -> bool:
        return signed_in(request).has_perm("billing.issue_invoice")

    def has_pay_permission(self, request: HttpRequest) -> bool:
        return signed_in(request).has_perm("billing.record_invoice_payment")

    @admin.action(description=gettext_lazy("Issue drafts"), permissions=["issue"])
    def issue(
        self, request: HttpRequest, invoices: "QuerySet[Invoice]"
    ) -> HttpResponse | None:
        return self._each(
            request,
            invoices,
            "issue",
            _("Issue drafts"),
            _(
                "Each gets its number and its PDF, and is sent to the customer. An "
                "issued invoice never changes; what is wrong is taken back by a "
                "credit note."
            ),
            issue_invoice,
        )

    @admin.action(description=gettext_lazy("Void"), permissions=["issue"])
    def void(
        self, request: HttpRequest, invoices: "QuerySet[Invoice]"
    ) -> HttpResponse | None:
        return self._each(
            request,
            invoices,
            "void",
            _("Void invoices"),
            _("Nothing is owed on them any more. They keep their numbers."),
            void_invoice,
        )

    @admin.action(description=gettext_lazy("Write off"), permissions=["issue"])
    def write_off(
        self, request: HttpRequest, invoices: "QuerySet[Invoice]"
    ) -> HttpResponse | None:
        return self._each(
            request,
            invoices,
            "write_off",
            _("Write invoices off"),
            _("They are given up as unpaid; what was stopped for them goes on."),
            write_off_invoice,
        )

    @admin.action(
        description=gettext_lazy("Credit what is left"), permissions=["issue"]
    )
    def credit(
        self, request: HttpRequest, invoices: "QuerySet[Invoice]"
    ) -> HttpResponse | None:
        return self._each(
            request,
            invoices,
            "credit",
            _("Credit invoices in whole"),
            _("A credit note takes back every line that was not taken back before."),
            credit_invoice,
        )

    @admin.action(
        description=gettext_lazy("Record a bank transfer"), permissions=["pay"]
    )
    def record_transfer(
        self, request: HttpRequest, invoices: "QuerySet[Invoice]"
    ) -> HttpResponse | None:
        chosen = list(invoices[:2])
        if len(chosen) != 1:
            one = _("Choose one invoice: each transfer has its own bank reference.")
            self.message_user(request, one, messages.ERROR)
            return None
        form = ask_form(
            request,
            self,
            invoices,
            lambda data: TransferForm(data, invoice=chosen[0]),
            action="record_transfer",
            title=_("Record a bank transfer"),
            effect=_("It counts as paid at once; parts add up to the whole."),
        )
        if not isinstance(form, TransferForm):
            return form
        given, actor = form.cleaned_data, signed_in(request)
        attempt(
            self,
            request,
            lambda: record_invoice_payment(
                chosen[0],
                kind=InvoicePaymentKind.TRANSFER,
                amount_minor=minor_of(given["amount"], form.currency),
                reference=given["bank_reference"].strip(),
                actor=actor,
                note=given["reason"],
                at=timezone.now(),
            ),
            _("%(number)s: %(amount)s recorded.")
            % {
                "number": chosen[0],
                "amount": money_text(given["amount"], form.currency),
            },
        )
        return None

    def _each(  # noqa: PLR0917  # what is asked, and what is done
        self,
        request: HttpRequest,
        invoices: "QuerySet[Invoice]",
        action: str,
        title: str | Promise,
        effect: str | Promise,
        verb: Callable[..., Invoice],
    ) -> HttpResponse | None:
        reason = ask_reason(
            request, self, invoices, action=action, title=title, effect=effect
        )
        if not isinstance(reason, str):
            return reason
        actor, at = signed_in(request), timezone.now()
        for one in invoices.order_by("pk"):
            attempt(
                self,
                request,
                lambda one=one: verb(one, actor=actor, reason=reason, at=at),  # type: ignore[misc]
                _("%(number)s: done.") % {"number": one},
            )
        return None


class SuspendsOrganisations:
    """Two actions of the list of organisations."""

    def has_suspend_permission(self, request: HttpRequest) -> bool:
        return signed_in(request).has_perm("billing.suspend_org")

    @admin.action(description=gettext_lazy("Suspend"), permissions=["suspend"])
    def suspend(
        self: Any, request: HttpRequest, organisations: "QuerySet[Organisation]"
    ) -> HttpResponse | None:
        form = ask_form(
            request,
            self,
            organisations,
            SuspendForm,
            action="suspend",
            title=_("Suspend organisations"),
            effect=_(
                "Every new call is refused but emergency calls; running calls end "
                "with their grant. Owners and billing contacts are told."
            ),
        )
        if not isinstance(form, SuspendForm):
            return form
        actor, at = signed_in(request), timezone.now()
        because = SuspendedBecause(form.cleaned_data["because"])
        reason = form.cleaned_data["reason"]
        for one in organisations:
            attempt(
                self,
                request,
                lambda one=one: suspend(  # type: ignore[misc]
                    one.pk, because=because, actor=actor, reason=reason, at=at
                ),
                _("%(name)s is suspended.") % {"name": one.name},
            )
        return None

    @admin.action(description=gettext_lazy("Resume"), permissions=["suspend"])
    def resume(
        self: Any, request: HttpRequest, organisations: "QuerySet[Organisation]"
    ) -> HttpResponse | None:
        reason = ask_reason(
            request,
            self,
            organisations,
            action="resume",
            title=_("Resume organisations"),
            effect=_("Calls are let through again; the customer is told."),
        )
        if not isinstance(reason, str):
            return reason
        actor, at = signed_in(request), timezone.now()
        for one in organisations:
            attempt(
                self,
                request,
                lambda one=one: resume(one.pk, actor=actor, reason=reason, at=at),  # type: ignore[misc]
                _("%(name)s goes on.") % {"name": one.name},
            )
        return None


def _money(invoice: Invoice, minor: int) -> str:
    return money_text(micros_of(minor, invoice.currency), invoice.currency)

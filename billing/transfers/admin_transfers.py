"""Staff match announced transfers with the money that arrived, one at a time.

Three steps, as wherever staff give credit: fill in, look at before and after, confirm;
the token of the last is used up.
"""

import secrets
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import signed_in
from accounts.ask_reason import ReasonForm
from accounts.read_only_admin import ReadOnlyAdmin
from accounts.refusals import TollgateError
from billing.admin_forms import positive_amount
from billing.forms import plain_amount, show_refusal
from billing.models import TransferAnnouncement
from billing.refusals import TransferOver
from billing.tax_rates import credit_of
from billing.transfers.match_transfer import check_difference, match_transfer
from credits.display import money_text
from credits.money import Micros
from credits.statement import read_balance

ONCE = "match_transfer_once"
LIST = "admin:billing_transferannouncement_changelist"


class MatchForm(ReasonForm):
    """What arrived: which transfer of the bank's, how much, and why it differs."""

    amount = forms.CharField(
        label=gettext_lazy("Amount that arrived"),
        max_length=40,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )
    bank_reference = forms.CharField(
        label=gettext_lazy("Bank reference"), max_length=100
    )
    difference = forms.CharField(
        label=gettext_lazy("Why another amount arrived"),
        required=False,
        max_length=300,
        help_text=gettext_lazy("Only where it is not the amount announced."),
    )
    field_order = ("amount", "bank_reference", "difference", "reason")

    def __init__(self, data: Any = None, *, transfer: TransferAnnouncement) -> None:
        announced = plain_amount(transfer.amount_micros)
        super().__init__(data, initial={"amount": announced})
        self.transfer = transfer

    def clean_amount(self) -> Micros:
        return positive_amount(self.cleaned_data["amount"], self.transfer.currency)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "amount" in cleaned:
            check_difference(
                self.transfer, cleaned["amount"], cleaned.get("difference", "")
            )
        return cleaned


@admin.register(TransferAnnouncement)
class TransferAnnouncementAdmin(ReadOnlyAdmin):
    list_display = (
        "reference",
        "organisation",
        "amount",
        "purchase_order",
        "state",
        "announced_at",
        "ended_at",
        "staff_payment",
    )
    list_filter = ("state", "currency")
    list_select_related = ("organisation", "staff_payment__organisation")
    date_hierarchy = "announced_at"
    search_fields = (
        "=reference",
        "organisation__name",
        "organisation__slug",
        "=purchase_order",
    )
    actions = ("match",)

    def has_match_permission(self, request: HttpRequest) -> bool:
        return signed_in(request).has_perm("billing.record_payment")

    def get_urls(self) -> list[URLPattern]:
        match = self.admin_site.admin_view(self.match_view)
        name = "billing_transferannouncement_match"
        own: list[URLPattern] = super().get_urls()
        return [path("<int:pk>/match/", match, name=name), *own]

    @admin.action(
        description=gettext_lazy("Match with a payment that arrived"),
        permissions=["match"],
    )
    def match(
        self, request: HttpRequest, transfers: "QuerySet[TransferAnnouncement]"
    ) -> HttpResponse | None:
        if transfers.count() != 1:
            one = _("Choose one transfer: each has its own bank reference.")
            self.message_user(request, one, messages.ERROR)
            return None
        chosen = transfers.get()
        return redirect("admin:billing_transferannouncement_match", chosen.pk)

    def match_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The page of the step that is due; back to the list once it is done."""
        if not self.has_match_permission(request):
            raise PermissionDenied
        found = TransferAnnouncement.objects.select_related("organisation")
        transfer = get_object_or_404(found, pk=pk)
        step = request.POST.get("step", "")
        form = MatchForm(request.POST if step else None, transfer=transfer)
        if not transfer.is_open:
            self.message_user(request, str(TransferOver.sentence), messages.WARNING)
            return redirect(LIST)
        if not step or not form.is_valid():
            return self._page(request, form, confirming=False)
        if step != "confirm":
            return self._page(request, form, confirming=True)
        token = request.session.pop(ONCE, None)
        if token is None or token != request.POST.get("once"):
            sent = _("This form was sent before; nothing was done again.")
            self.message_user(request, sent, messages.WARNING)
            return redirect(LIST)
        return self._match(request, form)

    def _match(self, request: HttpRequest, form: MatchForm) -> HttpResponse:
        given, transfer = form.cleaned_data, form.transfer
        try:
            payment = match_transfer(
                transfer,
                given["amount"],
                bank_reference=given["bank_reference"],
                difference=given["difference"],
                recorded_by=signed_in(request),
                note=given["reason"],
                at=timezone.now(),
            )
        except (TollgateError, ValidationError) as refusal:
            show_refusal(form, refusal)
            return self._page(request, form, confirming=False)
        self.log_change(request, transfer, f"match: {payment.amount}")
        done = _("%(organisation)s: %(amount)s added, receipt %(receipt)s.") % {
            "organisation": transfer.organisation,
            "amount": money_text(payment.amount_micros, payment.currency),
            "receipt": payment.receipt_number,
        }
        self.message_user(request, done, messages.SUCCESS)
        return redirect(LIST)

    def _page(
        self, request: HttpRequest, form: MatchForm, *, confirming: bool
    ) -> HttpResponse:
        once = ""
        if confirming:
            once = request.session[ONCE] = secrets.token_urlsafe(16)
        transfer = form.transfer
        balance = read_balance(transfer.organisation_id, timezone.now()).balance
        given = form.cleaned_data["amount"] if confirming else 0
        added = credit_of(transfer.organisation, given, timezone.now())
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Match an announced transfer"),
            "transfer": transfer,
            "form": form,
            "confirming": confirming,
            "once": once,
            "has_moved": not transfer.organisation.buys_credits,
            "differs": confirming and given != transfer.amount_micros,
            "amount": money_text(given, transfer.currency),
            "before": money_text(balance, transfer.currency),
            "after": money_text(balance + added, transfer.currency),
            "list": reverse(LIST),
        }
        return TemplateResponse(request, "admin/billing/match_transfer.html", context)

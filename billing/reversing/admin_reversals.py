"""Staff pages about money that went back: refunds, disputes, and who asks for them.

Refunds are asked for on the list of payments, one payment at a time: the form starts
with all that can be refunded, and its token makes a second click the same refund.
"""

import secrets
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import signed_in
from accounts.ask_reason import ReasonForm, ask_form, ask_reason
from accounts.models import Organisation
from accounts.read_only_admin import ReadOnlyAdmin
from accounts.refusals import TollgateError
from billing.close_organisation import close_organisation
from billing.models import Dispute, Refund, StaffPayment, TopUp
from billing.reversing.refund import refund_top_up, refundable
from billing.reversing.refund_staff_payment import (
    give_up_money_sent,
    record_money_sent,
    refund_staff_payment,
    refundable_staff_payment,
)
from credits.display import money_text
from credits.money import Micros, currency_of, parse_amount, to_decimal

BY_ORGANISATION = ("organisation__name", "organisation__slug")


class RefundForm(ReasonForm):
    """How much credit, and why; `once` is the refund's client key."""

    amount = forms.CharField(label=gettext_lazy("Credit to refund"), max_length=40)
    once = forms.CharField(widget=forms.HiddenInput, max_length=60)
    field_order: tuple[str, ...] = ("amount", "reason")

    def __init__(self, data: Any, *, currency: str, most: Micros) -> None:
        start = f"{to_decimal(most):.{currency_of(currency).places}f}"
        once = secrets.token_urlsafe(16)
        super().__init__(data, initial={"amount": start, "once": once})
        self.currency = currency
        self.fields["amount"].help_text = _(
            "At most %(most)s; its tax goes back too."
        ) % {"most": money_text(most, currency)}

    def clean_amount(self) -> Micros:
        return parse_amount(self.cleaned_data["amount"], currency_of(self.currency))

    @property
    def key(self) -> str:
        return f"staff:{self.cleaned_data['once']}"


class SentBackForm(RefundForm):
    """Money that staff have sent back by bank transfer."""

    bank_reference = forms.CharField(
        label=gettext_lazy("Bank reference"), max_length=100
    )
    field_order = ("amount", "bank_reference", "reason")


class SentForm(ReasonForm):
    """A transfer back that was waiting, and is sent."""

    bank_reference = forms.CharField(
        label=gettext_lazy("Bank reference"), max_length=100
    )
    field_order = ("bank_reference", "reason")


def attempt(
    page: "admin.ModelAdmin[Any]",
    request: HttpRequest,
    deed: Callable[[], object],
    done: str,
) -> None:
    """Does it and says so, or says why not."""
    try:
        deed()
    except TollgateError as refused:
        page.message_user(request, str(refused), messages.ERROR)
    except ValidationError as error:
        page.message_user(request, " ".join(error.messages), messages.ERROR)
    else:
        page.message_user(request, done, messages.SUCCESS)


class RefundsTopUps(ReadOnlyAdmin):
    """The list of top-ups, with the way to refund one."""

    actions = ("refund",)

    def has_refund_permission(self, request: HttpRequest) -> bool:
        return signed_in(request).has_perm("billing.refund_top_up")

    @admin.action(description=gettext_lazy("Refund"), permissions=["refund"])
    def refund(
        self, request: HttpRequest, top_ups: "QuerySet[TopUp]"
    ) -> HttpResponse | None:
        top_up = _the_one(self, request, top_ups)
        if top_up is None:
            return None
        currency, most = top_up.currency, refundable(top_up, timezone.now())
        form = ask_form(
            request,
            self,
            top_ups,
            lambda data: RefundForm(data, currency=currency, most=most),
            action="refund",
            title=_("Refund a top-up"),
            effect=_(
                "The credit leaves the balance at once; Stripe pays the money back to "
                "the card that paid."
            ),
        )
        if not isinstance(form, RefundForm):
            return form
        attempt(
            self,
            request,
            lambda: refund_top_up(
                top_up,
                form.cleaned_data["amount"],
                client_key=form.key,
                reason=form.cleaned_data["reason"],
                actor=signed_in(request),
                at=timezone.now(),
            ),
            _("The refund is recorded."),
        )
        return None


class SendsMoneyBack(ReadOnlyAdmin):
    """The list of bank transfers, with the way to record money sent back."""

    actions = ("send_back",)

    def has_send_back_permission(self, request: HttpRequest) -> bool:
        return signed_in(request).has_perm("billing.refund_top_up")

    @admin.action(
        description=gettext_lazy("Record money sent back"), permissions=["send_back"]
    )
    def send_back(
        self, request: HttpRequest, payments: "QuerySet[StaffPayment]"
    ) -> HttpResponse | None:
        payment = _the_one(self, request, payments)
        if payment is None:
            return None
        most = refundable_staff_payment(payment, timezone.now())
        form = ask_form(
            request,
            self,
            payments,
            lambda data: SentBackForm(data, currency=payment.currency, most=most),
            action="send_back",
            title=_("Record money sent back"),
            effect=_("You have sent the money; the credit leaves the balance."),
        )
        if not isinstance(form, SentBackForm):
            return form
        attempt(
            self,
            request,
            lambda: refund_staff_payment(
                payment,
                form.cleaned_data["amount"],
                bank_reference=form.cleaned_data["bank_reference"],
                client_key=form.key,
                reason=form.cleaned_data["reason"],
                actor=signed_in(request),
                at=timezone.now(),
            ),
            _("The refund is recorded."),
        )
        return None


class ClosesOrganisations:
    """An action of the list of organisations."""

    def has_close_permission(self, request: HttpRequest) -> bool:
        return signed_in(request).has_perm("billing.close_organisation")

    @admin.action(description=gettext_lazy("Close"), permissions=["close"])
    def close(
        self: Any, request: HttpRequest, organisations: "QuerySet[Organisation]"
    ) -> HttpResponse | None:
        answer = ask_reason(
            request,
            self,
            organisations,
            action="close",
            title=_("Close organisations"),
            effect=_(
                "Purchased credit that is unspent is refunded, promotional credit is "
                "given up, keys are revoked. This cannot be undone; everything is kept."
            ),
        )
        if not isinstance(answer, str):
            return answer
        actor, at = signed_in(request), timezone.now()
        for one in organisations:
            attempt(
                self,
                request,
                lambda one=one: close_organisation(  # type: ignore[misc]
                    one, actor=actor, at=at, reason=answer
                ),
                _("%(name)s is closed.") % {"name": one.name},
            )
        return None


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    """Refunds by card and by bank; those by bank are ended here."""

    list_display = (
        "id",
        "organisation",
        "state",
        "total",
        "credit",
        "top_up",
        "staff_payment",
        "requested_by",
        "requested_at",
        "failure_code",
    )
    list_filter = ("state", "currency", ("staff_payment", admin.EmptyFieldListFilter))
    list_select_related = ("organisation", "requested_by", "top_up", "staff_payment")
    date_hierarchy = "requested_at"
    search_fields = (*BY_ORGANISATION, "=stripe_refund_id", "=bank_reference")
    actions = ("sent", "give_up")

    def has_refund_permission(self, request: HttpRequest) -> bool:
        return signed_in(request).has_perm("billing.refund_top_up")

    @admin.action(
        description=gettext_lazy("Record the bank transfer as sent"),
        permissions=["refund"],
    )
    def sent(
        self, request: HttpRequest, refunds: "QuerySet[Refund]"
    ) -> HttpResponse | None:
        chosen = refunds.filter(staff_payment__isnull=False)
        refund = _the_one(self, request, chosen)
        if refund is None:
            return None
        form = ask_form(
            request,
            self,
            chosen,
            SentForm,
            action="sent",
            title=_("Record the bank transfer as sent"),
            effect=_("The customer is told that the money is on its way."),
        )
        if not isinstance(form, SentForm):
            return form
        reference = form.cleaned_data["bank_reference"]
        actor, at = signed_in(request), timezone.now()
        attempt(
            self,
            request,
            lambda: record_money_sent(
                refund, bank_reference=reference, actor=actor, at=at
            ),
            _("The transfer is recorded."),
        )
        return None

    @admin.action(
        description=gettext_lazy("Give the bank transfer up"), permissions=["refund"]
    )
    def give_up(
        self, request: HttpRequest, refunds: "QuerySet[Refund]"
    ) -> HttpResponse | None:
        chosen = refunds.filter(staff_payment__isnull=False)
        reason = ask_reason(
            request,
            self,
            chosen,
            action="give_up",
            title=_("Give the bank transfer up"),
            effect=_("The money cannot be sent; the credit is back in the balance."),
        )
        if not isinstance(reason, str):
            return reason
        actor, at = signed_in(request), timezone.now()
        for refund in chosen:
            give_up_money_sent(refund, reason=reason, actor=actor, at=at)
        self.message_user(request, _("The credit is back."), messages.SUCCESS)
        return None


@admin.register(Dispute)
class DisputeAdmin(ReadOnlyAdmin):
    """Disputes; the answer is given at Stripe, by the day it is due."""

    list_display = (
        "stripe_dispute_id",
        "organisation",
        "status",
        "reason",
        "amount",
        "evidence_due_at",
        "opened_at",
        "withdrawn_at",
        "reinstated_at",
        "closed_at",
    )
    list_filter = (("closed_at", admin.EmptyFieldListFilter), "status", "reason")
    list_select_related = ("organisation",)
    date_hierarchy = "opened_at"
    ordering = ("closed_at", "evidence_due_at")
    search_fields = (*BY_ORGANISATION, "=stripe_dispute_id")


def _the_one(
    page: "admin.ModelAdmin[Any]", request: HttpRequest, rows: "QuerySet[Any]"
) -> Any:
    """The only row chosen, or None and a word about it."""
    chosen = list(rows[:2])
    if len(chosen) == 1:
        return chosen[0]
    page.message_user(request, _("Choose one row that this fits."), messages.ERROR)
    return None

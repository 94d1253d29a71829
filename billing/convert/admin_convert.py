"""Staff move organisations to NCE and back, each with a reason (rules 2.3 and 2.4)."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import signed_in
from accounts.ask_reason import ReasonForm, ask_form, ask_reason
from accounts.models import Organisation
from billing.convert.back_to_prepaid import back_to_prepaid
from billing.convert.move_to_nce import move_to_nce
from billing.convert.preview import preview_move
from billing.reversing.admin_reversals import attempt
from calling.spending.set_limit import check_limit
from credits.display import money_text
from credits.money import Micros, currency_of, parse_amount


class MoveForm(ReasonForm):
    """Why, and for a single organisation a limit that begins with the move."""

    limit = forms.CharField(
        label=gettext_lazy("Spending limit a month (optional)"),
        required=False,
        max_length=40,
    )

    def __init__(self, data: Any = None, *, chosen: list[Organisation]) -> None:
        super().__init__(data)
        self.chosen = chosen
        if len(chosen) != 1:
            del self.fields["limit"]

    def clean_limit(self) -> Micros | None:
        typed = self.cleaned_data["limit"].strip()
        if not typed:
            return None
        currency = self.chosen[0].currency
        amount = parse_amount(typed, currency_of(currency))
        try:
            check_limit(amount, currency)
        except ValidationError as refusal:
            raise ValidationError(refusal.messages) from refusal
        return amount


class MovesOrganisations:
    """Two actions of the list of organisations."""

    def has_move_permission(self, request: HttpRequest) -> bool:
        return signed_in(request).has_perm("accounts.change_billing_mode")

    @admin.action(
        description=gettext_lazy("Move to NCE (billed after use)"), permissions=["move"]
    )
    def move_to_nce(
        self: Any, request: HttpRequest, organisations: "QuerySet[Organisation]"
    ) -> HttpResponse | None:
        chosen = list(organisations)
        form = ask_form(
            request,
            self,
            organisations,
            lambda data: MoveForm(data, chosen=chosen),
            action="move_to_nce",
            title=_("Move to NCE"),
            effect=_effect(chosen),
        )
        if not isinstance(form, MoveForm):
            return form
        actor, at = signed_in(request), timezone.now()
        for one in chosen:
            attempt(
                self,
                request,
                lambda one=one: move_to_nce(  # type: ignore[misc]
                    one,
                    actor=actor,
                    reason=form.cleaned_data["reason"],
                    spending_limit=form.cleaned_data.get("limit"),
                    at=at,
                ),
                _("%(name)s is billed after use.") % {"name": one.name},
            )
        return None

    @admin.action(
        description=gettext_lazy("Back to prepaid, after a final invoice"),
        permissions=["move"],
    )
    def back_to_prepaid(
        self: Any, request: HttpRequest, organisations: "QuerySet[Organisation]"
    ) -> HttpResponse | None:
        reason = ask_reason(
            request,
            self,
            organisations,
            action="back_to_prepaid",
            title=_("Back to prepaid"),
            effect=_(
                "All use and debt until now is billed and that invoice issued at once; "
                "plans become their prepaid twins, the spending limit goes."
            ),
        )
        if not isinstance(reason, str):
            return reason
        actor, at = signed_in(request), timezone.now()
        for one in organisations:
            attempt(
                self,
                request,
                lambda one=one: back_to_prepaid(  # type: ignore[misc]
                    one, actor=actor, reason=reason, at=at
                ),
                _("%(name)s is prepaid.") % {"name": one.name},
            )
        return None


def _effect(chosen: list[Organisation]) -> str:
    """What the move does; for one organisation with its own figures."""
    sentence = _(
        "Effective at once: auto-recharge is deleted, credits can no longer be bought, "
        "what is left is spent first, plans become their NCE twins, open payment pages "
        "are closed. Calls in progress go on and settle as prepaid."
    )
    if len(chosen) != 1:
        return sentence
    preview = preview_move(chosen[0], timezone.now())
    figures = _(
        "Credits left: %(balance)s. Auto-recharge: %(recharge)s. Plans: %(plans)s. "
        "Live calls: %(calls)s."
    ) % {
        "balance": money_text(preview.balance, chosen[0].currency),
        "recharge": _("on") if preview.recharge else _("off"),
        "plans": len(preview.swaps),
        "calls": preview.live_calls,
    }
    return " ".join(part for part in (sentence, figures, preview.obstacle) if part)

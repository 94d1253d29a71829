"""What the pages that edit auto-recharge know: what is set, and what would happen.

Between the form and the verb: reads, and turns what is refused into errors of the form.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.models import Organisation
from billing.forms import plain_amount, show_refusal
from billing.models import AutoRecharge, PaymentMethod, TopUpTerms
from billing.recharging.recharge_card import live_sentence, moment_text
from billing.recharging.recharge_form import RechargeForm, typed
from billing.recharging.recharge_preview import RechargePreview, preview_recharge
from billing.recharging.recharge_settings import check_settings, settings_in
from billing.recharging.suggest_recharge import Suggestion, suggest_recharge

OFF = "off"  # the version of settings that are not there


class EditRecharge:
    """One organisation's settings at one moment; `row` is None while it is off."""

    def __init__(
        self, organisation: Organisation, terms: TopUpTerms, at: datetime
    ) -> None:
        self.organisation, self.terms, self.at = organisation, terms, at
        rows = AutoRecharge.objects.select_related("payment_method", "backup")
        self.row = rows.filter(organisation=self.organisation).first()

    @property
    def version(self) -> str:
        return self.row.changed_at.isoformat() if self.row else OFF

    def suggestion(self) -> Suggestion:
        return suggest_recharge(self.organisation, self.terms, at=self.at)

    def start(self) -> dict[str, str]:
        """What the form begins with: the settings, else what is suggested."""
        if self.row is not None:
            return typed(settings_in(self.row), self.version)
        found = self.suggestion()
        cards = self._cards()
        return {
            "trigger": plain_amount(found.trigger),
            "amount": plain_amount(found.amount),
            "monthly_limit": plain_amount(found.monthly_limit),
            "payment_method": str(cards[0].pk) if cards else "",
            "only_when_used": "on",
            "version": self.version,
        }

    def form(self, data: Mapping[str, Any] | None = None, **more: Any) -> RechargeForm:
        currency = self.organisation.currency
        return RechargeForm(data, cards=self._cards(), currency=currency, **more)

    def preview(self, form: RechargeForm) -> RechargePreview | None:
        """What saving would do, or None with the reasons on the form."""
        if not form.is_valid():
            return None
        settings = form.settings()
        known = settings_in(self.row) if self.row else None
        try:
            check_settings(self.organisation, settings, known=known, at=self.at)
        except ValidationError as refusal:
            show_refusal(form, refusal)
            return None
        if form.cleaned_data["version"] != self.version and settings != known:
            form.add_error(None, self._changed_meanwhile())
            return None
        return preview_recharge(self.organisation, self.row, settings, at=self.at)

    def outcome(self, form: RechargeForm) -> dict[str, Any]:
        """What stands below the fields: the sentence, warnings, and the button."""
        preview = None if form.errors else self.preview(form)
        errors = [error for errors in form.errors.values() for error in errors]
        return {
            "preview": preview,
            "problems": errors,
            "sentence": sentence_of(preview) if preview else "",
            "is_on": self.row is not None,
        }

    def _changed_meanwhile(self) -> ValidationError:
        if self.row is None:
            sentence = _("Auto-recharge was switched off meanwhile.")
            return ValidationError(sentence, "changed_meanwhile")
        facts = {
            "time": moment_text(self.row.changed_at, self.organisation, self.at),
            "now": live_sentence(
                self.row.trigger_micros,
                self.row.amount_micros,
                self.row.monthly_limit_micros,
                self.row.currency,
            ),
        }
        sentence = _(
            "These settings were changed meanwhile (%(time)s). Now it stands: %(now)s "
            "Yours are below; save them again if they shall hold."
        )
        return ValidationError(sentence, "changed_meanwhile", facts)

    def _cards(self) -> list[PaymentMethod]:
        """Those that can be charged, and those that are chosen already."""
        kept = PaymentMethod.objects.kept().filter(organisation=self.organisation)
        today = self.organisation.local_day(self.at)
        row = self.row
        chosen = {row.payment_method_id, row.backup_id} if row else set()
        return [
            card
            for card in kept.order_by("-is_default", "-pk")
            if card.pk in chosen or card.may_be_charged(today)
        ]


def sentence_of(preview: RechargePreview) -> str:
    """What would hold once it is saved."""
    wanted = preview.settings
    return live_sentence(
        wanted.trigger, wanted.amount, wanted.monthly_limit, preview.currency
    )

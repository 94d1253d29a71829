"""What a customer fills in to switch auto-recharge on or to change it (rule 5.1).

The form reads amounts and cards; contradictions are judged by the verb's own rules and
come back beside their fields.
"""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.forms import plain_amount, set_choices
from billing.models import PaymentMethod
from billing.recharging.recharge_settings import RechargeSettings
from credits.money import Micros, currency_of, parse_amount

AMOUNTS = ("trigger", "amount", "monthly_limit")


class AmountInput(forms.CharField):
    """An amount as people write it; the form knows the currency."""

    def __init__(self, label: Any, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
        super().__init__(label=label, max_length=40, widget=widget, **kwargs)


class RechargeForm(forms.Form):
    """The settings; `version` says which ones the reader saw."""

    trigger = AmountInput(_("When the available balance falls below"))
    amount = AmountInput(pgettext_lazy("funds", "Add"))
    monthly_limit = AmountInput(_("Monthly limit"))
    payment_method = forms.ChoiceField(label=_("Charged to"), widget=forms.RadioSelect)
    backup = forms.ChoiceField(
        label=_("Backup card (optional)"),
        required=False,
        help_text=_("Charged instead while the first card is refused for good."),
    )
    only_when_used = forms.BooleanField(
        label=_("Only when a paid call was made in the last 30 days"),
        required=False,
    )
    catches_up = forms.BooleanField(
        label=_("Add a whole multiple where one amount is not enough"), required=False
    )
    version = forms.CharField(widget=forms.HiddenInput, required=False, max_length=40)

    def __init__(
        self,
        data: Any = None,
        *,
        cards: Sequence[PaymentMethod],
        currency: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(data, **kwargs)
        self.currency = currency_of(currency)
        self.cards = {str(card.pk): card for card in cards}
        titles = [(pk, card.title) for pk, card in self.cards.items()]
        set_choices(self, "payment_method", titles)
        set_choices(self, "backup", [("", _("No backup card")), *titles])

    def clean_trigger(self) -> Micros:
        return self._amount("trigger")

    def clean_amount(self) -> Micros:
        return self._amount("amount")

    def clean_monthly_limit(self) -> Micros:
        return self._amount("monthly_limit")

    def _amount(self, name: str) -> Micros:
        return parse_amount(self.cleaned_data[name], self.currency)

    def settings(self) -> RechargeSettings:
        """What the verb is told; the form is valid."""
        given = self.cleaned_data
        return RechargeSettings(
            trigger=given["trigger"],
            amount=given["amount"],
            monthly_limit=given["monthly_limit"],
            payment_method=self.cards[given["payment_method"]],
            backup=self.cards.get(given["backup"]),
            only_when_used=given["only_when_used"],
            catches_up=given["catches_up"],
        )


class ConsentForm(forms.Form):
    """The reader agrees to the text beside the box."""

    consent = forms.BooleanField(
        label=_("I agree"),
        error_messages={
            "required": _("Agree to being charged without being asked again.")
        },
    )


def typed(settings: RechargeSettings, version: str = "") -> dict[str, str]:
    """The settings as the form's fields carry them, also in an address."""
    carried = {
        "trigger": plain_amount(settings.trigger),
        "amount": plain_amount(settings.amount),
        "monthly_limit": plain_amount(settings.monthly_limit),
        "payment_method": str(settings.payment_method.pk),
        "backup": str(settings.backup.pk) if settings.backup else "",
        "only_when_used": "on" if settings.only_when_used else "",
        "catches_up": "on" if settings.catches_up else "",
        "version": version,
    }
    return {name: text for name, text in carried.items() if text}

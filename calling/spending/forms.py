"""What an organisation wants to spend in a month at most."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from calling.models import SpendingLimit
from credits.money import Micros, currency_of, parse_amount, to_decimal


class SpendingLimitForm(forms.Form):
    """An amount a month, and whether paid calls stop there; no amount, no limit."""

    amount = forms.CharField(
        label=_("Limit a month"),
        required=False,
        max_length=40,
        help_text=_("What is billed after use. Empty: no limit."),
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    is_hard = forms.BooleanField(
        label=_("Stop paid calls at the limit"),
        required=False,
        initial=True,
        help_text=_("Otherwise it only warns, at 50, 80 and 100 %."),
    )

    def __init__(
        self, data: Any = None, *, currency: str, limit: SpendingLimit | None = None
    ) -> None:
        super().__init__(data, initial=_initial(limit) if limit is not None else {})
        self.currency = currency_of(currency)

    def clean_amount(self) -> Micros | None:
        typed = self.cleaned_data["amount"]
        return parse_amount(typed, self.currency) if typed.strip() else None


def _initial(limit: SpendingLimit) -> dict[str, Any]:
    places = currency_of(limit.organisation.currency).places
    amount = f"{to_decimal(limit.amount):.{places}f}"
    return {"amount": amount, "is_hard": limit.is_hard}

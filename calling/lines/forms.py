"""What is filled in about lines and numbers; the verbs judge what only they know."""

from typing import Any

import phonenumbers
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from calling.models import Line, ServiceKind
from calling.models.lines import LineKind
from calling.phone_numbers import Reading, read_number
from calling.save_line import LineEntry
from credits.country_names import country_name
from credits.money import Micros, currency_of, parse_amount, to_decimal


class LineForm(forms.Form):
    """A line's facts, and what its paid calls may cost in a month."""

    name = forms.CharField(label=_("Name"), max_length=150)
    kind = forms.ChoiceField(label=_("Kind"), choices=LineKind)
    identity = forms.CharField(
        label=_("Login or SIP identity"),
        max_length=150,
        help_text=_("What the switch writes into a call record to say who called."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    usage_country = forms.ChoiceField(
        label=_("Usage country"),
        help_text=_("Where the line is used; it decides what is domestic."),
    )
    department = forms.CharField(
        label=_("Department (optional)"), required=False, max_length=100
    )
    monthly_warning = forms.CharField(
        label=_("Warn at, a month (optional)"),
        required=False,
        max_length=40,
        help_text=_("What its calls beyond the plan cost in a month."),
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    monthly_limit = forms.CharField(
        label=_("Stop at, a month (optional)"),
        required=False,
        max_length=40,
        help_text=_("Plan minutes and emergency calls go on."),
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    may_spend_credits = forms.BooleanField(
        label=_("May spend credits"), required=False, initial=True
    )
    is_active = forms.BooleanField(label=_("Is in use"), required=False, initial=True)

    def __init__(
        self, data: Any = None, *, organisation: Organisation, line: Line | None = None
    ) -> None:
        super().__init__(data, initial=_initial(organisation, line))
        self.organisation = organisation
        field = self.fields["usage_country"]
        if isinstance(field, forms.ChoiceField):
            field.choices = country_choices()

    def clean_monthly_warning(self) -> Micros | None:
        return self._amount("monthly_warning")

    def clean_monthly_limit(self) -> Micros | None:
        return self._amount("monthly_limit")

    def _amount(self, name: str) -> Micros | None:
        typed = self.cleaned_data[name]
        if not typed:
            return None
        return parse_amount(typed, currency_of(self.organisation.currency))

    def entry(self) -> LineEntry:
        return LineEntry(**self.cleaned_data)


def country_choices() -> list[tuple[str, str]]:
    """Every country with a telephone numbering plan, by name."""
    names = [(code, country_name(code)) for code in phonenumbers.SUPPORTED_REGIONS]
    return sorted(names, key=lambda choice: choice[1])


def _initial(organisation: Organisation, line: Line | None) -> dict[str, Any]:
    if line is None:
        return {"usage_country": organisation.country}
    facts = {name: getattr(line, name) for name in LineEntry.__annotations__}
    for name in ("monthly_warning", "monthly_limit"):
        amount = facts[name]
        if amount is not None:
            facts[name] = as_typed(amount)
    return facts


def as_typed(amount: Micros) -> str:
    """An amount as a person would write it into a field: 40, or 0.25."""
    text = f"{to_decimal(amount):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


class NumberForm(forms.Form):
    """A number as it is written in the organisation's country, or with a plus."""

    number = forms.CharField(
        label=_("Number"),
        max_length=30,
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
    )

    def __init__(self, data: Any = None, *, country: str) -> None:
        super().__init__(data)
        self.country = country

    def clean_number(self) -> str:
        found = read_number(self.cleaned_data["number"], self.country)
        if found.reading != Reading.E164 or found.e164 is None:
            problem = _("Write the number with its country code: +886223456789.")
            raise ValidationError(problem, "number")
        return found.e164


class ServiceNumberForm(NumberForm):
    """A number that belongs to no line."""

    service_kind = forms.ChoiceField(label=_("Kind"), choices=ServiceKind)
    is_bridge = forms.BooleanField(label=_("Is a conference bridge"), required=False)


class LinesFileForm(forms.Form):
    file = forms.FileField(
        label=_("CSV file"),
        help_text=_("The file that “CSV” on the page of lines gives you, changed."),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
    )

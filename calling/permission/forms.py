"""What is filled in about barred destinations and limits of calls."""

import re
import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from calling.authorise.limits import NO_LIMITS, Limits
from calling.lines.forms import as_typed, country_choices
from calling.models import NumberType
from calling.permission.bar_destination import BarringEntry
from calling.permission.ceilings import AMOUNTS, ceiling_hints
from calling.permission.set_call_limits import LimitsEntry
from credits.money import Micros, currency_of, parse_amount, to_micros

FIELDS = {"longest_call_seconds": "longest_call"}  # typed in minutes
_PRICE = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")
_CLASSES = ("mobile", "fixed", "premium", "shared_cost", "tollfree")
TYPED = {"inputmode": "decimal", "autocomplete": "off"}


class BarringForm(forms.Form):
    """One rule: what, when, and whether it bars or lets through."""

    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        help_text=_("For your own use, such as “No calls abroad at night”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    prefix = forms.CharField(  # type: ignore[assignment]  # a field, not the form's
        label=_("Prefix (optional)"),
        required=False,
        max_length=20,
        help_text=_("What numbers begin with, country code first: 44 or +4470."),
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
    )
    country = forms.ChoiceField(label=_("Country (optional)"), required=False)
    number_type = forms.ChoiceField(
        label=_("Class of number (optional)"),
        required=False,
        choices=[
            ("", _("All classes")),
            *((value, NumberType(value).label) for value in _CLASSES),
        ],
    )
    hour_from = forms.TimeField(
        label=_("From (optional)"),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    hour_until = forms.TimeField(
        label=_("Until (optional)"),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    lets_through = forms.BooleanField(
        label=_("An exception: let such calls through"),
        required=False,
        help_text=_("It lifts a wider rule, unless the provider insists on that."),
    )

    def __init__(self, data: Any = None, *, rule: BarringEntry | None = None) -> None:
        initial = vars(rule) if rule is not None else {}
        super().__init__(data, initial=initial)
        self.rule = rule
        field = self.fields["country"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", _("All countries")), *country_choices()]

    def clean_prefix(self) -> str:
        typed = unicodedata.normalize("NFKC", self.cleaned_data["prefix"])
        digits = re.sub(r"[\s()./-]", "", typed).removeprefix("+")
        if digits and not re.fullmatch(r"[1-9][0-9]{0,14}", digits):
            problem = _("Write digits, the country code first: 44 or +4470.")
            raise ValidationError(problem, "prefix")
        return digits

    def entry(self) -> BarringEntry:
        """What was filled in; a rule that was switched off stays so."""
        is_active = self.rule.is_active if self.rule is not None else True
        return BarringEntry(**self.cleaned_data, is_active=is_active)


class LimitsForm(forms.Form):
    """Every limit may be left empty; what the provider allows stands beside it."""

    price_ceiling = forms.CharField(
        label=_("Dearest price per minute"),
        required=False,
        max_length=40,
        help_text=_("Calls to dearer destinations are not let through."),
        widget=forms.TextInput(attrs=TYPED),
    )
    call_cost = forms.CharField(
        label=_("Most for one call"),
        required=False,
        max_length=40,
        help_text=_("A call ends when it has cost so much."),
        widget=forms.TextInput(attrs=TYPED),
    )
    daily_spend = forms.CharField(
        label=_("Most in a day"),
        required=False,
        max_length=40,
        help_text=_("All calls together, beyond plan minutes."),
        widget=forms.TextInput(attrs=TYPED),
    )
    longest_call = forms.IntegerField(
        label=_("Longest call (minutes)"),
        required=False,
        min_value=1,
        max_value=1440,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    concurrent_calls = forms.IntegerField(
        label=_("Calls at once"),
        required=False,
        min_value=1,
        max_value=100_000,
        help_text=_("Counted are calls that the switch asks for."),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    def __init__(
        self,
        data: Any = None,
        *,
        currency: str,
        limits: LimitsEntry,
        ceilings: Limits = NO_LIMITS,
    ) -> None:
        super().__init__(data, initial=_initial(limits))
        self.currency = currency_of(currency)
        for name, hint in ceiling_hints(ceilings, currency).items():
            field = self.fields[FIELDS.get(name, name)]
            field.help_text = f"{field.help_text} {hint}".strip()

    def clean_price_ceiling(self) -> Micros | None:
        typed = unicodedata.normalize("NFKC", self.cleaned_data["price_ceiling"])
        typed = re.sub(r"\s", "", typed)
        if not typed:
            return None
        if not _PRICE.fullmatch(typed):
            raise ValidationError(_("Enter a price such as 0.25."), "not_a_price")
        return _positive(to_micros(typed))

    def clean_call_cost(self) -> Micros | None:
        return self._amount("call_cost")

    def clean_daily_spend(self) -> Micros | None:
        return self._amount("daily_spend")

    def _amount(self, name: str) -> Micros | None:
        typed = self.cleaned_data[name]
        return _positive(parse_amount(typed, self.currency)) if typed.strip() else None

    def entry(self) -> LimitsEntry:
        given = dict(self.cleaned_data)
        minutes = given.pop("longest_call")
        seconds = 60 * minutes if minutes is not None else None
        return LimitsEntry(**given, longest_call_seconds=seconds)

    def refuse(self, refused: ValidationError) -> None:
        """What the verb says of a limit, beside the field that it was typed in."""
        for name, problems in refused.error_dict.items():
            self.add_error(FIELDS.get(name, name), problems)


def _positive(amount: Micros) -> Micros:
    if amount <= 0:
        raise ValidationError(_("A limit is more than nothing."), "not_positive")
    return amount


def _initial(limits: LimitsEntry) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for name in AMOUNTS:
        amount = getattr(limits, name)
        shown[name] = as_typed(amount) if amount is not None else ""
    seconds = limits.longest_call_seconds
    shown["longest_call"] = -(-seconds // 60) if seconds is not None else None
    shown["concurrent_calls"] = limits.concurrent_calls
    return shown

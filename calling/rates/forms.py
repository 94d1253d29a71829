"""What the price list is asked: a country or a number, for whom, from which line."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from calling.classify import LONGEST_CALL
from calling.models import Line, Purpose, RateCard
from calling.phone_numbers import Reading, read_number
from credits.country_names import country_name

_CLOCK = re.compile(r"(?:(\d{1,2}):)?(\d{1,4}):([0-5]\d)")
_MINUTES = re.compile(r"\d{1,4}")
_PART = re.compile(r"\+[1-9]\d{0,14}")


class RatesForm(forms.Form):
    """Bound to the address's own query; an empty one lists the countries."""

    country = forms.ChoiceField(label=_("Country"), required=False)
    number = forms.CharField(
        label=_("Number"),
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
    )
    purpose = forms.ChoiceField(
        label=_("For"),
        choices=[(name, capfirst(label)) for name, label in Purpose.choices],
        required=False,
    )
    currency = forms.ChoiceField(label=_("Currency"), required=False)
    line = forms.ModelChoiceField(
        Line.objects.none(), label=_("Calling from"), required=False, empty_label=None
    )

    def __init__(self, query: Any, *, organisation: Organisation | None) -> None:
        super().__init__({name: query.get(name, "") for name in self.base_fields})
        self.organisation = organisation
        self.currencies = (
            [organisation.currency] if organisation else offered_currencies()
        )
        if len(self.currencies) < 2:
            del self.fields["currency"]
        else:
            _choose(self, "currency", [(code, code) for code in self.currencies])
        if organisation is None:
            del self.fields["line"]
        else:
            lines = organisation.lines.filter(is_active=True)
            self.fields["line"].queryset = lines  # type: ignore[attr-defined]

    def offer(self, countries: list[str]) -> None:
        """The countries that the price list has, by name."""
        named = sorted((country_name(code), code) for code in countries)
        choices = [("", _("All countries")), *[(code, name) for name, code in named]]
        _choose(self, "country", choices)

    @property
    def is_open(self) -> bool:
        """Whether neither a country nor a number was asked for."""
        return not (self.data.get("country") or self.data.get("number"))

    @property
    def purpose_asked(self) -> str:
        asked = str(self.data.get("purpose", ""))
        return asked if asked in Purpose.values else Purpose.CALLING.value

    @property
    def currency_asked(self) -> str:
        asked = str(self.data.get("currency", ""))
        if asked in self.currencies or not self.currencies:
            return asked
        return self.currencies[0]

    def clean_number(self) -> str:
        """E.164, or the beginning of such a number."""
        text = str(self.cleaned_data["number"])
        if not text:
            return ""
        home = self.organisation.country if self.organisation else ""
        found = read_number(text, home)
        if found.reading is Reading.EMERGENCY:
            raise ValidationError(_("Emergency calls are always free."), "emergency")
        if found.reading is Reading.E164 and found.e164:
            return found.e164
        begun = re.sub(r"[\s().-]", "", text)
        if not _PART.fullmatch(begun):
            raise ValidationError(
                _("Write the number with its country code, such as +81 3 1234 5678."),
                "not_e164",
            )
        return begun


class QuoteForm(forms.Form):
    """A call that nobody places: from which line, to whom, how long."""

    line = forms.ModelChoiceField(
        Line.objects.none(), label=_("Calling from"), empty_label=None
    )
    to = forms.CharField(
        label=_("Number"),
        max_length=40,
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
    )
    length = forms.CharField(
        label=_("Length, such as 5 or 3:20"),
        max_length=10,
    )

    def __init__(self, query: Any, *, organisation: Organisation) -> None:
        asked = {name: query.get(name, "") for name in self.base_fields}
        is_asked = bool(asked["to"])
        super().__init__(asked if is_asked else None, initial={"length": "5"})
        lines = organisation.lines.filter(is_active=True)
        self.fields["line"].queryset = lines  # type: ignore[attr-defined]

    def clean_length(self) -> int:
        """Seconds."""
        text = str(self.cleaned_data["length"]).strip()
        clock = _CLOCK.fullmatch(text)
        if clock:
            hours, minutes, seconds = (int(part or 0) for part in clock.groups())
            length = hours * 3600 + minutes * 60 + seconds
        elif _MINUTES.fullmatch(text):
            length = int(text) * 60
        else:
            raise ValidationError(_("Write a length such as 5 or 3:20."), "length")
        if not 1 <= length <= LONGEST_CALL:
            raise ValidationError(
                _("A call lasts between a second and a day."), "length"
            )
        return length


def offered_currencies() -> list[str]:
    """The currencies that have a default card for outbound calls."""
    cards = RateCard.objects.filter(is_default=True, purpose=Purpose.CALLING)
    return sorted(set(cards.values_list("currency", flat=True)))


def _choose(form: forms.Form, name: str, choices: list[tuple[str, Any]]) -> None:
    field = form.fields[name]
    if isinstance(field, forms.ChoiceField):
        field.choices = choices

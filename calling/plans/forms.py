"""How many licences, and for which lines."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from calling.models import Line

MOST_LICENCES = 10_000
MOST_LINES = 500  # given a licence with one click


class LicencesForm(forms.Form):
    """The number of licences; `expected` is the one the page was made with."""

    quantity = forms.IntegerField(
        label=_("Licences"),
        min_value=1,
        max_value=MOST_LICENCES,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    expected = forms.IntegerField(required=False, widget=forms.HiddenInput)


class AssignForm(forms.Form):
    """The lines that get a licence."""

    lines: Any = forms.ModelMultipleChoiceField(
        label=_("Lines"),
        queryset=Line.objects.none(),
        widget=forms.SelectMultiple(attrs={"size": 8}),
        help_text=_("Hold Ctrl or ⌘ to choose several."),
    )

    def __init__(self, data: Any = None, *, lines: Any) -> None:
        super().__init__(data)
        self.fields["lines"].queryset = lines  # type: ignore[attr-defined]

"""How the usage page is filtered; what does not fit is refused beside its field."""

from dataclasses import replace
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from calling.call_list import (
    NO_DEPARTMENT,
    PAYERS,
    CallFilter,
    departments_of,
    destinations_of,
    lines_of,
)
from calling.models import CallKind

LONGEST_DAYS = 366


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class PeriodForm(forms.Form):
    """From which day to which, bound to the address's own query."""

    first = forms.DateField(label=_("From"), widget=DayInput())
    last = forms.DateField(label=_("To"), widget=DayInput())

    def __init__(self, query: Any, *, today: date) -> None:
        self.month = (today.replace(day=1), today)
        super().__init__(self._with_month(query))

    def _with_month(self, query: Any) -> dict[str, Any]:
        """The month so far where the address names no period."""
        first, last = self.month
        given = {name: query.get(name, "") for name in self.base_fields}
        given["first"] = given["first"] or first.isoformat()
        given["last"] = given["last"] or last.isoformat()
        return given

    @staticmethod
    def _is_fine(first: date, last: date) -> bool:
        return 0 <= (last - first).days < LONGEST_DAYS and 2000 <= first.year < 9999

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        first, last = cleaned.get("first"), cleaned.get("last")
        if first and last and not self._is_fine(first, last):
            problem = _("The period ends after it begins and is at most a year long.")
            self.add_error("last", ValidationError(problem, "period"))
        return cleaned

    def wanted(self) -> CallFilter:
        """The filter; the month so far while something on the form is wrong."""
        if not self.is_valid():
            return CallFilter(*self.month)
        return CallFilter(self.cleaned_data["first"], self.cleaned_data["last"])


class UsageForm(PeriodForm):
    """Also by line, department, destination, kind, and who paid."""

    line = forms.TypedChoiceField(label=_("Line"), required=False, coerce=int)
    department = forms.ChoiceField(label=_("Department"), required=False)
    destination = forms.ChoiceField(label=_("Destination"), required=False)
    kind = forms.ChoiceField(label=_("Kind"), required=False)
    paid_by = forms.ChoiceField(label=_("Paid by"), required=False)

    def __init__(self, query: Any, *, organisation: Organisation, today: date) -> None:
        super().__init__(query, today=today)
        first, last = self._period()
        everything = ("", _("All"))
        choices: dict[str, list[tuple[Any, Any]]] = {
            "line": list(lines_of(organisation)),
            "department": _departments(organisation),
            "destination": [
                (name, name) for name in destinations_of(organisation, first, last)
            ],
            "kind": list(CallKind.choices),
            "paid_by": [(name, label) for name, (label, _where) in PAYERS.items()],
        }
        for name, some in choices.items():
            field = self.fields[name]
            if isinstance(field, forms.ChoiceField):
                field.choices = [everything, *some]

    def _period(self) -> tuple[date, date]:
        try:
            first = date.fromisoformat(self.data["first"])
            last = date.fromisoformat(self.data["last"])
        except ValueError:
            return self.month
        return (first, last) if self._is_fine(first, last) else self.month

    def wanted(self) -> CallFilter:
        wanted = super().wanted()
        if not self.is_valid():
            return wanted
        given = self.cleaned_data
        return replace(
            wanted,
            line_id=given["line"] or None,
            department=given["department"],
            destination=given["destination"],
            kind=given["kind"],
            paid_by=given["paid_by"],
        )


def _departments(organisation: Organisation) -> list[tuple[Any, Any]]:
    """Those that lines name; nothing to choose where none does."""
    named = departments_of(organisation)
    without = [(NO_DEPARTMENT, _("Without a department"))] if named else []
    return [(name, name) for name in named] + without

"""Who spent how much in a period: the lines that cost most, and every department.

A plain read of the same charges as the list of calls, so that the sums agree with it.
A call counts for the department that its line belongs to today.
"""

from dataclasses import dataclass
from typing import Any

from django.db.models import F, QuerySet, Value
from django.db.models.functions import Coalesce

from accounts.models import Organisation
from calling.call_list import SUMS, CallFilter, CallTotals, matching_charges
from calling.models import Charge
from credits.money import Micros

TOP = 5


@dataclass(frozen=True)
class Spender:
    """A line and what its calls cost, its plan's part left out."""

    line_id: int | None
    name: str
    calls: int
    amount: Micros


@dataclass(frozen=True)
class DepartmentRow:
    """A department's calls; '' stands for lines without one and calls without line."""

    name: str
    lines: int
    totals: CallTotals


def read_top_spenders(
    organisation: Organisation, wanted: CallFilter, *, top: int = TOP
) -> list[Spender]:
    """The lines that cost most beyond their plans; one statement."""
    by_line = _grouped(matching_charges(organisation, wanted), "line_id", "line__name")
    costly = by_line.annotate(amount=F("cost") - F("pool")).filter(amount__gt=0)
    return [
        Spender(row["line_id"], row["line__name"] or "", row["calls"], row["amount"])
        for row in costly.order_by("-amount", "line__name")[:top]
    ]


def read_departments(
    organisation: Organisation, wanted: CallFilter
) -> list[DepartmentRow]:
    """Every department that called, the costliest first; one statement."""
    charges = matching_charges(organisation, wanted).annotate(
        department=Coalesce("line__department", Value(""))
    )
    found: dict[str, CallTotals] = {}
    lines: dict[str, int] = {}
    for row in _grouped(charges, "department", "line_id"):
        name = row["department"]
        totals = CallTotals(**{key: row[key] for key in SUMS})
        found[name] = found.get(name, CallTotals()) + totals
        lines[name] = lines.get(name, 0) + (row["line_id"] is not None)
    rows = [DepartmentRow(name, lines[name], total) for name, total in found.items()]
    return sorted(rows, key=lambda row: (-row.totals.cost, row.name))


def _grouped(
    charges: "QuerySet[Charge]", *names: str
) -> "QuerySet[Charge, dict[str, Any]]":
    by_name: QuerySet[Charge, dict[str, Any]] = charges.order_by().values(*names)
    return by_name.annotate(**SUMS)

"""What invoices and their lines are called, on paper and on pages alike.

In Taiwan 發票 is the state's uniform invoice; a provider that does not issue those here
has its own documents called 帳單 (a setting). Words are in the active language, amounts
in micros.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from billing.collecting.minor_units import micros_of
from billing.models import Invoice, InvoiceKind, InvoiceLine, LineKind
from credits.country_names import country_name
from credits.display import count_text, date_text, exact_text, money_text

SECONDS_PER_MINUTE = 60


@dataclass(frozen=True)
class LineWords:
    """One line as people read it."""

    text: str
    note: str
    quantity: str
    amount: str


@dataclass(frozen=True)
class LineGroup:
    """Lines of one kind and month, under one heading."""

    heading: str
    lines: list[LineWords]
    amount: str


@dataclass(frozen=True)
class TaxWords:
    """`VAT 5 %`, what it is on, and how much it is."""

    text: str
    amount: str


def document_word(kind: str, *, is_uniform: bool) -> str:
    if kind == InvoiceKind.CREDIT_NOTE:
        return _("Credit note")
    return pgettext("state uniform invoice", "Invoice") if is_uniform else _("Invoice")


def month_text(month: str | date | None) -> str:
    """`2026-10`, or a day of it → October 2026."""
    if not month:
        return ""
    day = month if isinstance(month, date) else date.fromisoformat(f"{month[:7]}-01")
    return date_text(day, "year_month")


def line_groups(invoice: Invoice, lines: Iterable[InvoiceLine]) -> list[LineGroup]:
    """The lines but those of tax, by what they bill, in their own order."""
    currency = invoice.currency

    def bills(line: InvoiceLine) -> tuple[str, str]:
        return line.kind, str(line.facts.get("month", ""))

    shown = [line for line in lines if line.kind != LineKind.TAX]
    return [
        LineGroup(
            _heading(LineKind(kind), month),
            [_line_words(line, currency) for line in same],
            _money(sum(line.minor for line in same), currency),
        )
        for (kind, month), found in groupby(shown, bills)
        for same in [list(found)]
    ]


def tax_words(invoice: Invoice, lines: Iterable[InvoiceLine]) -> list[TaxWords]:
    """A line to a tax: its name, its rate, what it is on, and how much it is."""
    told = list(lines)
    return [
        TaxWords(
            _("%(name)s %(percent)s %% on %(basis)s")
            % {
                "name": line.facts.get("name") or _("Tax"),
                "percent": percent_text(line.tax_percent),
                "basis": _money(_basis(line, told), invoice.currency),
            },
            _money(line.minor, invoice.currency),
        )
        for line in told
        if line.kind == LineKind.TAX
    ]


def percent_text(percent: Any) -> str:
    """`5`, `7.7`: without zeros that say nothing."""
    return f"{percent:.3f}".rstrip("0").rstrip(".")


def _basis(tax: InvoiceLine, lines: Iterable[InvoiceLine]) -> int:
    """The minor units that a tax is on."""
    return sum(
        line.minor
        for line in lines
        if line.kind != LineKind.TAX and line.tax_percent == tax.tax_percent
    )


def _heading(kind: LineKind, month: str) -> str:
    named = month_text(month)
    if not named:
        return str(kind.label)
    return _("%(what)s, %(month)s") % {"what": kind.label, "month": named}


def _line_words(line: InvoiceLine, currency: str) -> LineWords:
    facts, kind = line.facts, LineKind(line.kind)
    text, note, quantity = str(kind.label), "", ""
    if kind in {LineKind.LICENCE, LineKind.LICENCE_CHANGE}:
        text = str(facts.get("plan", text))
        quantity, note = _licences(facts, currency)
    elif kind in {LineKind.USAGE, LineKind.LATE_USAGE}:
        text = _destination(facts)
        note = str(facts.get("department", ""))
        quantity = _calls(facts)
    elif kind == LineKind.DEBT:
        text = _("Calls that the balance did not cover")
    else:
        text = str(facts.get("text") or text)
    note = " · ".join(filter(None, [note, str(facts.get("note", ""))]))
    return LineWords(text, note, quantity, _money(line.minor, currency))


def _destination(facts: dict[str, Any]) -> str:
    code = str(facts.get("country", ""))
    return country_name(code) if code else _("Other destinations")


def _calls(facts: dict[str, Any]) -> str:
    calls = int(facts.get("calls", 0))
    minutes = -(-int(facts.get("seconds", 0)) // SECONDS_PER_MINUTE)
    return " · ".join(
        [
            ngettext("%(count)s call", "%(count)s calls", calls)
            % {"count": count_text(calls)},
            _("%(minutes)s min") % {"minutes": count_text(minutes)},
        ]
    )


def _licences(facts: dict[str, Any], currency: str) -> tuple[str, str]:
    number = int(facts.get("licences", 0))
    quantity = _("%(count)s × %(price)s") % {
        "count": count_text(number),
        "price": exact_text(int(facts.get("price", 0)), currency),
    }
    if "days" not in facts:
        return quantity, ""
    days = _("%(days)s of %(of)s days") % {"days": facts["days"], "of": facts["of"]}
    return quantity, days


def _money(minor: int, currency: str) -> str:
    return money_text(micros_of(minor, currency), currency)

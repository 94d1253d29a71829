"""Invoice and credit note as PDF, from stored lines and the parties of the day."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import override, pgettext

from billing.collecting.minor_units import micros_of
from billing.documents.layout import Column, Party, Row, Sheet
from billing.documents.words import (
    document_word,
    line_groups,
    month_text,
    tax_words,
)
from billing.models import Invoice, InvoiceKind
from credits.country_names import country_name
from credits.display import date_text, money_text


def invoice_pdf(invoice: Invoice) -> bytes:
    """The document in the language that was written down when it was issued."""
    with override(invoice.parties["language"]):
        return _sheet(invoice).render()


def parties(sheet: Sheet, told: dict[str, Any]) -> None:
    """Seller and buyer, as they were written down."""
    provider, customer = told["provider"], told["customer"]
    sheet.parties(
        Party(
            pgettext("document", "From"),
            provider["name"],
            [
                *provider["address"].splitlines(),
                tax_id_text(provider["tax_id"]),
                provider["support_email"],
            ],
        ),
        Party(
            pgettext("document", "To"),
            customer["name"],
            [
                *customer["address"].splitlines(),
                country_name(customer["country"]),
                tax_id_text(customer["tax_id"]),
                customer["billing_email"],
            ],
        ),
    )


def footer_of(told: dict[str, Any]) -> str:
    provider = told["provider"]
    told_of = [
        provider["name"],
        tax_id_text(provider["tax_id"]),
        provider["support_email"],
        provider["support_phone"],
    ]
    return " · ".join(filter(None, told_of))


def tax_id_text(tax_id: str) -> str:
    return _("Tax id %(id)s") % {"id": tax_id} if tax_id else ""


def day_text(at: datetime | date | None, zone: str) -> str:
    """A day, or the day of an instant where the organisation is."""
    if at is None:
        return ""
    day = at.astimezone(ZoneInfo(zone)).date() if isinstance(at, datetime) else at
    return date_text(day, "long")


def _sheet(invoice: Invoice) -> Sheet:
    told, zone = invoice.parties, invoice.parties["time_zone"]
    is_bill = invoice.kind == InvoiceKind.INVOICE
    due = day_text(invoice.due_on, zone)
    sheet = Sheet(
        title=document_word(
            invoice.kind, is_uniform=told["provider"]["is_uniform_invoice"]
        ),
        number=invoice.number,
        provider=told["provider"]["name"],
        footer=footer_of(told),
    )
    parties(sheet, told)
    replaced = invoice.credits.number if invoice.credits else ""
    sheet.facts(
        [
            (_("Issued on"), day_text(invoice.issued_at, zone)),
            (_("Due on"), due),
            (_("Month"), month_text(invoice.month)),
            (_("Purchase order number"), invoice.purchase_order),
            (_("Takes back"), replaced),
        ]
    )
    _fill(sheet, invoice)
    if is_bill and invoice.total_minor > 0:
        _how_to_pay(sheet, invoice, due)
    return sheet


def _fill(sheet: Sheet, invoice: Invoice) -> None:
    lines = list(invoice.lines.order_by("position"))
    columns = [
        Column(_("Item"), 23),
        Column(_("Quantity"), 13, is_amount=True),
        Column(_("Amount"), 8, is_amount=True),
    ]
    rows: list[Row] = []
    for group in line_groups(invoice, lines):
        rows.append(Row([group.heading, "", group.amount], is_strong=True))
        rows += [
            Row([one.text, one.quantity, one.amount], note=one.note)
            for one in group.lines
        ]
    sheet.table(columns, rows)

    def money(minor: int) -> str:
        return money_text(micros_of(minor, invoice.currency), invoice.currency)

    taxes = tax_words(invoice, lines)
    totals = [(tax.text, tax.amount) for tax in taxes]
    if totals:
        totals.insert(0, (_("Net"), money(invoice.total_minor - invoice.tax_minor)))
    is_bill = invoice.kind == InvoiceKind.INVOICE
    last = _("Total due") if is_bill else _("Total credited")
    sheet.totals([*totals, (last, money(invoice.total_minor))])


def _how_to_pay(sheet: Sheet, invoice: Invoice, due: str) -> None:
    bank = invoice.parties["provider"]["bank_details"]
    quote = _("Quote %(number)s with a bank transfer.") % {"number": invoice.number}
    page = f"{settings.SITE_URL}{invoice.get_absolute_url()}"
    online = _("Pay by card, or see every call of this invoice: %(page)s") % {
        "page": page
    }
    asked = _("The total is due on %(day)s.") % {"day": due}
    sheet.note(
        "\n".join(filter(None, [asked, bank, quote if bank else "", online])),
        _("How to pay"),
    )

"""The receipt of a sale of credit as PDF: a top-up by card, or what staff recorded."""

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import override, pgettext

from accounts.models import Organisation, ProviderSettings
from billing.collecting.parties import parties_of
from billing.documents.invoice_sheet import day_text, footer_of, parties
from billing.documents.layout import Column, Row, Sheet
from billing.documents.words import percent_text
from billing.models import StaffPayment, StaffPaymentKind, TopUp, TopUpKind
from credits.display import last_day, money_text
from credits.models import Lot, LotKind
from credits.money import Micros, from_money


def top_up_pdf(top_up: TopUp) -> bytes:
    """Of a paid top-up or recharge: credit, tax, total, and when the credit expires."""
    with override(top_up.organisation.language):
        sheet = _sheet(
            top_up.organisation,
            number=top_up.receipt_number,
            paid_at=top_up.paid_at,
            how=str(TopUpKind(top_up.kind).label),
            purchase_order=top_up.purchase_order,
        )
        taxes = _taxes(top_up)
        lot = _lot(top_up.organisation_id, top_up.kind, top_up.pk)
        _fill(sheet, lot, top_up.currency, top_up.credit_micros, taxes)
        return sheet.render()


def payment_pdf(payment: StaffPayment) -> bytes:
    """Of a bank transfer or a payment on a purchase order."""
    with override(payment.organisation.language):
        is_transfer = payment.kind == StaffPaymentKind.TRANSFER
        sheet = _sheet(
            payment.organisation,
            number=payment.receipt_number,
            paid_at=payment.recorded_at,
            how=str(StaffPaymentKind(payment.kind).label),
            purchase_order=payment.purchase_order,
            reference=payment.bank_reference if is_transfer else "",
        )
        lot = _lot(payment.organisation_id, LotKind.STAFF_PAYMENT, payment.pk)
        _fill(sheet, lot, payment.currency, payment.credit_micros, _taxes(payment))
        return sheet.render()


def _taxes(sale: TopUp | StaffPayment) -> list[tuple[str, Micros]]:
    if not sale.is_taxed:
        return []
    percent = percent_text(sale.tax_percent)
    return [(_("Tax %(percent)s %%") % {"percent": percent}, from_money(sale.tax))]


def _sheet(
    organisation: Organisation,
    *,
    number: str,
    paid_at: datetime | None,
    how: str,
    purchase_order: str,
    reference: str = "",
) -> Sheet:
    told = parties_of(organisation, ProviderSettings.current())
    sheet = Sheet(
        title=_("Receipt"),
        number=number,
        provider=told["provider"]["name"],
        footer=footer_of(told),
    )
    parties(sheet, told)
    sheet.facts(
        [
            (_("Paid on"), day_text(paid_at, organisation.time_zone)),
            (pgettext("document", "Paid by"), how),
            (_("Bank reference"), reference),
            (_("Purchase order number"), purchase_order),
        ]
    )
    return sheet


def _fill(
    sheet: Sheet,
    lot: Lot | None,
    currency: str,
    credit: Micros,
    taxes: list[tuple[str, Micros]],
) -> None:
    note = ""
    if lot is not None:
        day = day_text(last_day(lot.expires_at, lot.organisation.zone), "UTC")
        note = _("Can be used until the end of %(day)s") % {"day": day}
    row = Row([_("Communications credits"), money_text(credit, currency)], note=note)
    columns = [Column(_("Item"), 3), Column(_("Amount"), 1, is_amount=True)]
    sheet.table(columns, [row])
    total = credit + sum(tax for _text, tax in taxes)
    sheet.totals(
        [
            *((text, money_text(tax, currency)) for text, tax in taxes),
            (_("Total paid"), money_text(total, currency)),
        ]
    )


def _lot(organisation_id: int, kind: str, sale_id: int) -> Lot | None:
    lots = Lot.objects.filter(organisation=organisation_id, kind=kind, sale_id=sale_id)
    return lots.select_related("organisation").first()

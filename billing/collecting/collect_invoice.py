"""An invoice is collected at Stripe, as far as it goes: asked again, it goes on.

Row first, Stripe second and outside any transaction, row third. Stripe's invoice asks
for exactly what ours still asks for; where that changed it is voided, and another round
asks for the rest. Only a definite answer is acted on; whatever is unknown is asked
again with the same key. Stripe pays an invoice once, so nothing charges twice.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from billing import gateway
from billing.collecting import invoice_gateway
from billing.collecting.apply_stripe_invoice import apply_stripe_invoice
from billing.collecting.invoice_gateway import SeenInvoice
from billing.collecting.minor_units import micros_of
from billing.models import Invoice, PaymentMethod
from credits.lock import lock_wallet
from credits.money import Micros, currency_of


def collect_invoice(invoice_id: int, *, at: datetime) -> Invoice:
    """The invoice afterwards: sent, charged on the saved card once, or voided there."""
    invoice = Invoice.objects.select_related("organisation").get(pk=invoice_id)
    seen = _seen_at_stripe(invoice)
    if seen is None:
        return invoice
    if seen.is_paid:
        invoice = apply_stripe_invoice(seen, at=at) or invoice
    asks_for_it = is_payable_by_card(invoice) and seen.due == _owed(invoice)
    if seen.is_open and asks_for_it:
        return _charge_once(invoice, seen, at=at)
    if invoice.is_owed or seen.is_open or seen.is_draft:
        return _let_go(invoice, seen, at=at)
    return invoice


def payment_page(invoice_id: int, *, at: datetime) -> str:
    """The address of Stripe's page where the customer pays; '' where there is none."""
    invoice = collect_invoice(invoice_id, at=at)
    seen = _seen_at_stripe(invoice) if is_payable_by_card(invoice) else None
    return seen.url if seen is not None and seen.is_open else ""


def is_payable_by_card(invoice: Invoice) -> bool:
    """Whether anything is owed, in an amount that Stripe can charge."""
    owed, step = _owed(invoice), currency_of(invoice.currency).step
    return invoice.is_owed and owed > 0 and not owed % step


def _owed(invoice: Invoice) -> Micros:
    return micros_of(invoice.owed_minor, invoice.currency)


def _charge_once(invoice: Invoice, seen: SeenInvoice, *, at: datetime) -> Invoice:
    """By itself only the whole invoice, and only once; the rest its owner pays."""
    card = None if seen.tries or invoice.stripe_round else _default_card(invoice, at)
    if card is not None:
        invoice_gateway.pay_invoice(invoice, card)
        seen = invoice_gateway.fetch_invoice(seen.id)
    return apply_stripe_invoice(seen, at=at) or invoice


def _seen_at_stripe(invoice: Invoice) -> SeenInvoice | None:
    """Its invoice there, brought as far as being open; None where there is none."""
    if not invoice.stripe_invoice_id:
        if not is_payable_by_card(invoice):
            return None
        _create(invoice)
    seen = invoice_gateway.fetch_invoice(invoice.stripe_invoice_id)
    if not seen.is_draft or not invoice.is_owed:
        return seen
    items = invoice_gateway.items_of(invoice)
    if seen.due != sum(amount for _position, _words, amount in items):
        invoice_gateway.add_items(invoice, seen, items)
        seen = invoice_gateway.fetch_invoice(seen.id)
    if seen.due != _owed(invoice):
        return seen  # not what is owed any more: it is let go
    return invoice_gateway.finalise_invoice(invoice)


def _create(invoice: Invoice) -> None:
    customer_id = gateway.ensure_customer(invoice.organisation)
    seen = invoice_gateway.create_invoice(invoice, customer_id=customer_id)
    mine = Invoice.objects.filter(pk=invoice.pk, stripe_round=invoice.stripe_round)
    mine.update(stripe_invoice_id=seen.id)
    invoice.stripe_invoice_id = seen.id


def _let_go(invoice: Invoice, seen: SeenInvoice, *, at: datetime) -> Invoice:
    """Stripe's invoice asks for what is not owed: it is voided, and another may follow.

    A draft is only forgotten: nobody can pay it. So is one that was paid before its
    payment was disputed.
    """
    if seen.is_open:
        seen = invoice_gateway.void_invoice(invoice)
        if seen.is_paid:  # the customer was quicker
            return apply_stripe_invoice(seen, at=at) or invoice
    with transaction.atomic():
        lock_wallet(invoice.organisation_id)
        mine = Invoice.objects.filter(pk=invoice.pk, stripe_invoice_id=seen.id)
        mine.update(stripe_invoice_id="", stripe_round=F("stripe_round") + 1)
    invoice.refresh_from_db()
    return collect_invoice(invoice.pk, at=at) if invoice.is_owed else invoice


def _default_card(invoice: Invoice, at: datetime) -> PaymentMethod | None:
    """The organisation's default card, if it may be charged while nobody is there."""
    mine = PaymentMethod.objects.kept().filter(organisation=invoice.organisation_id)
    card = mine.filter(is_default=True).first()
    today = invoice.organisation.local_day(at)
    return card if card is not None and card.may_be_charged(today) else None

"""Invoices as Stripe knows them; every call that does something has a key of our row.

`auto_advance` is off: Stripe neither sends, nor retries, nor marks anything by itself.
One invoice of ours may be asked for in several rounds there, since an open invoice at
Stripe cannot change: the key names the round.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import stripe

from billing.collecting.minor_units import micros_of
from billing.gateway import ORGANISATION, calling_stripe, stripe_account
from billing.models import Invoice, InvoiceLine, PaymentMethod
from billing.refusals import PaymentsUnavailable
from billing.stripe_units import from_stripe_amount, to_stripe_amount
from credits.money import Micros

INVOICE, ROUND = "invoice", "round"  # our keys in Stripe's metadata
MOST_ITEMS = 100  # of one invoice; Stripe takes 250


@dataclass(frozen=True)
class SeenInvoice:
    """What Stripe says about one invoice, in exact money."""

    id: str
    status: str
    due: Micros
    paid: Micros
    currency: str
    customer_id: str
    metadata: Mapping[str, str]
    url: str
    tries: int
    has_items: bool

    @property
    def is_draft(self) -> bool:
        return self.status == "draft"

    @property
    def is_open(self) -> bool:
        return self.status == "open"

    @property
    def is_paid(self) -> bool:
        return self.status == "paid"


def key_of(invoice: Invoice) -> str:
    """`invoice:7`, and from the second round on `invoice:7:1`."""
    return ":".join(filter(None, [invoice.reference, str(invoice.stripe_round or "")]))


def create_invoice(invoice: Invoice, *, customer_id: str) -> SeenInvoice:
    """The draft at Stripe; asked again, it is the same draft."""
    with calling_stripe():
        try:
            made = stripe.Invoice.create(
                **stripe_account(),
                idempotency_key=key_of(invoice),
                auto_advance=False,
                collection_method="charge_automatically",
                currency=invoice.currency.lower(),
                customer=customer_id,
                description=invoice.number,
                metadata={
                    INVOICE: str(invoice.pk),
                    ORGANISATION: str(invoice.organisation_id),
                    ROUND: str(invoice.stripe_round),
                },
                pending_invoice_items_behavior="exclude",
            )
        except stripe.IdempotencyError as error:  # the first request still runs
            raise PaymentsUnavailable from error
    return _seen(made)


def add_items(
    invoice: Invoice, seen: SeenInvoice, items: Sequence[tuple[int, str, Micros]]
) -> None:
    """Position, words and amount of each; asked again, each is there once."""
    for position, words, amount in items:
        with calling_stripe():
            stripe.InvoiceItem.create(
                **stripe_account(),
                idempotency_key=f"{key_of(invoice)}:item:{position}",
                amount=to_stripe_amount(amount, invoice.currency),
                currency=invoice.currency.lower(),
                customer=seen.customer_id,
                description=words,
                invoice=seen.id,
            )


def finalise_invoice(invoice: Invoice) -> SeenInvoice:
    """Freezes it at Stripe; it then has a page where it is paid."""
    with calling_stripe():
        made = stripe.Invoice.finalize_invoice(
            invoice.stripe_invoice_id,
            **stripe_account(),
            idempotency_key=f"{key_of(invoice)}:finalise",
            auto_advance=False,
        )
    return _seen(made)


def pay_invoice(invoice: Invoice, card: PaymentMethod) -> None:
    """Charges a saved card while its owner is away; how it went is looked up after."""
    with calling_stripe():
        try:
            stripe.Invoice.pay(
                invoice.stripe_invoice_id,
                **stripe_account(),
                idempotency_key=f"{key_of(invoice)}:pay",
                payment_method=card.stripe_payment_method_id,
                off_session=True,
            )
        except stripe.IdempotencyError as error:
            raise PaymentsUnavailable from error
        except (stripe.CardError, stripe.InvalidRequestError):
            return  # declined, paid by now, or the card is gone: the invoice says


def void_invoice(invoice: Invoice) -> SeenInvoice:
    """Closes it at Stripe; one that was paid meanwhile stays paid."""
    with calling_stripe():
        try:
            return _seen(
                stripe.Invoice.void_invoice(
                    invoice.stripe_invoice_id,
                    **stripe_account(),
                    idempotency_key=f"{key_of(invoice)}:void",
                )
            )
        except stripe.InvalidRequestError:
            pass
    return fetch_invoice(invoice.stripe_invoice_id)


def fetch_invoice(invoice_id: str) -> SeenInvoice:
    with calling_stripe():
        return _seen(stripe.Invoice.retrieve(invoice_id, **stripe_account()))


def payment_of(invoice_id: str) -> str:
    """The id of the payment that paid an invoice; '' where there was none."""
    with calling_stripe():
        found = stripe.InvoicePayment.list(
            **stripe_account(), invoice=invoice_id, limit=10
        )
    paid = [one for one in found.data if one.status == "paid"]
    return _id_of(paid[0].payment.payment_intent) if paid else ""


def invoice_paid_by(payment_id: str) -> str:
    """The id of the invoice that a payment belongs to; '' for one of no invoice."""
    with calling_stripe():
        found = stripe.InvoicePayment.list(
            **stripe_account(),
            payment={"type": "payment_intent", "payment_intent": payment_id},
            limit=1,
        )
    return _id_of(found.data[0].invoice) if found.data else ""


def items_of(invoice: Invoice) -> list[tuple[int, str, Micros]]:
    """What Stripe's invoice lists: our lines, or by kind where they are many.

    A later round asks for the rest of it in one item.
    """
    owed = micros_of(invoice.owed_minor, invoice.currency)
    if invoice.owed_minor != invoice.total_minor:
        return [(0, invoice.number, owed)]
    lines = list(invoice.lines.order_by("position"))
    named = [(line.position, _words(line), line.minor) for line in lines]
    if len(named) > MOST_ITEMS:
        named = _by_kind(lines)
    return [
        (position, words, micros_of(minor, invoice.currency))
        for position, words, minor in named
        if minor
    ]


def _by_kind(lines: Sequence[InvoiceLine]) -> list[tuple[int, str, int]]:
    groups: dict[str, list[InvoiceLine]] = {}
    for line in lines:
        groups.setdefault(line.kind, []).append(line)
    return [
        (same[0].position, kind, sum(line.minor for line in same))
        for kind, same in groups.items()
    ]


def _words(line: InvoiceLine) -> str:
    """Names the line in Stripe's records; the document itself says it in full."""
    facts = line.facts
    told = [facts.get(key, "") for key in ("plan", "country", "department", "month")]
    return " · ".join([line.kind, *(str(word) for word in told if word)])[:500]


def _seen(made: stripe.Invoice) -> SeenInvoice:
    currency = made.currency.upper()
    return SeenInvoice(
        id=str(made.id),
        status=made.status or "",
        due=from_stripe_amount(made.amount_due, currency),
        paid=from_stripe_amount(made.amount_paid, currency),
        currency=currency,
        customer_id=_id_of(made.customer),
        metadata=made.metadata.to_dict() if made.metadata else {},
        url=made.hosted_invoice_url or "",
        tries=made.attempt_count,
        has_items=bool(made.lines.data),
    )


def _id_of(thing: Any) -> str:
    return thing if isinstance(thing, str) else getattr(thing, "id", "")

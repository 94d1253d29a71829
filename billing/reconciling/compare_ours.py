"""What our rows say is looked for at Stripe: paid sales, refunds, disputes, charges.

Everything of ours is fetched anew by its id, goes to its verb where it differs, and is
added up on both sides; what no verb can heal is left to staff.
"""

from datetime import datetime

from django.db.models import QuerySet

from accounts.staff_tasks import raise_staff_task
from billing import gateway
from billing.apply_outcome import differences
from billing.collecting.minor_units import micros_of
from billing.models import (
    Dispute,
    InvoicePayment,
    InvoicePaymentKind,
    RechargeTry,
    Refund,
    TopUp,
    TotalKind,
)
from billing.recharging.ask_unknown import ask_about_try, unknown_tries
from billing.reconciling import page_sides
from billing.reconciling.compare_theirs import compare_refund
from billing.reconciling.page_sides import Compared, Page, Sum, Window, full_page
from billing.reversing import reversal_gateway
from billing.reversing.dispute import apply_dispute
from credits.money import Micros, amount_text, from_money

NOT_AT_STRIPE = "top_up_not_at_stripe"
INVOICE_NOT_AT_STRIPE = "invoice_payment_not_at_stripe"
OF_DISPUTE = "dispute:"  # money that went and came back; its payment is another row
Paid = gateway.Payment | None


# --- top-ups --------------------------------------------------------------------------


def paid_top_ups(window: Window) -> "QuerySet[TopUp]":
    return TopUp.objects.paid().filter(
        paid_at__gte=window.since, paid_at__lt=window.until
    )


def page_of_top_ups(window: Window, after: str) -> Page:
    ours = paid_top_ups(window).filter(pk__gt=int(after or 0)).order_by("pk")
    found = ours.select_related("organisation")[: page_sides.PAGE]
    return full_page([(str(top_up.pk), top_up) for top_up in found])


def sums_of_top_up(top_up: TopUp) -> tuple[Sum, ...]:
    received = from_money(top_up.received)
    return (Sum(TotalKind.PAID, top_up.currency, ours=received),)


def compare_top_up(top_up: TopUp, at: datetime) -> Compared:
    """Paid here; Stripe does not know the payment, or says something else of it."""
    payment = gateway.find_payment(top_up.stripe_payment_intent_id)
    if payment is None:
        said = "Stripe knows no such payment"
    elif not payment.is_paid:
        said = f"its payment is {payment.status} at Stripe"
    else:
        said = "; ".join(differences(top_up, payment).values())
    if said:
        raise_staff_task(
            NOT_AT_STRIPE,
            reference=f"top-ups:{top_up.pk}",
            detail=f"{top_up.reference}, {top_up.receipt_number}: {said}.",
            organisation=top_up.organisation,
            at=at,
        )
    return Compared(bool(said), (*sums_of_top_up(top_up), *_received(payment)))


def _received(payment: Paid) -> tuple[Sum, ...]:
    if payment is None or not payment.is_paid:
        return ()
    return (Sum(TotalKind.PAID, payment.currency, theirs=payment.received),)


# --- payments of invoices -------------------------------------------------------------


def card_payments(window: Window) -> "QuerySet[InvoicePayment]":
    ours = InvoicePayment.objects.filter(
        kind=InvoicePaymentKind.STRIPE,
        amount_minor__gt=0,
        received_at__gte=window.since,
        received_at__lt=window.until,
    )
    return ours.exclude(reference__startswith=OF_DISPUTE)


def page_of_invoice_payments(window: Window, after: str) -> Page:
    ours = card_payments(window).filter(pk__gt=int(after or 0)).order_by("pk")
    found = ours.select_related("invoice__organisation")[: page_sides.PAGE]
    return full_page([(str(paid.pk), paid) for paid in found])


def sums_of_invoice_payment(paid: InvoicePayment) -> tuple[Sum, ...]:
    currency = paid.invoice.currency
    booked = micros_of(paid.amount_minor, currency)
    return (Sum(TotalKind.PAID, currency, ours=booked),)


def compare_invoice_payment(paid: InvoicePayment, at: datetime) -> Compared:
    """Booked here; Stripe does not know the payment, or says another amount."""
    payment, invoice = gateway.find_payment(paid.reference), paid.invoice
    [booked] = sums_of_invoice_payment(paid)
    sums = (booked, *_received(payment))
    seen = [(one.theirs, one.currency) for one in sums[1:]]
    differs = seen != [(booked.ours, booked.currency)]
    if differs:
        raise_staff_task(
            INVOICE_NOT_AT_STRIPE,
            reference=f"invoice-payments:{paid.pk}",
            detail=f"{invoice.number}: {amount_text(booked.ours)} {booked.currency} "
            f"are booked as {paid.reference}, which Stripe does not know like that.",
            organisation=invoice.organisation,
            at=at,
        )
    return Compared(differs, sums)


# --- refunds and disputes -------------------------------------------------------------


def our_refunds(window: Window) -> "QuerySet[Refund]":
    ours = Refund.objects.filter(
        requested_at__gte=window.since, requested_at__lt=window.until
    )
    return ours.exclude(stripe_refund_id="")


def page_of_our_refunds(window: Window, after: str) -> Page:
    ours = our_refunds(window).filter(pk__gt=int(after or 0)).order_by("pk")
    found = ours.select_related("organisation")[: page_sides.PAGE]
    return full_page([(str(refund.pk), refund) for refund in found])


def sums_of_refund(refund: Refund) -> tuple[Sum, ...]:
    counts: Micros = refund.total_micros if refund.stands else 0
    return (Sum(TotalKind.REFUNDED, refund.currency, ours=counts),)


def compare_our_refund(refund: Refund, at: datetime) -> Compared:
    seen = reversal_gateway.fetch_refund(refund.stripe_refund_id)
    compared = compare_refund(seen, at)
    refund.refresh_from_db()
    counts = 0 if seen.is_gone else seen.amount
    theirs = Sum(TotalKind.REFUNDED, seen.currency, theirs=counts)
    return Compared(compared.differs, (*sums_of_refund(refund), theirs))


def our_disputes(window: Window) -> "QuerySet[Dispute]":
    return Dispute.objects.filter(
        opened_at__gte=window.since, opened_at__lt=window.until
    )


def page_of_our_disputes(window: Window, after: str) -> Page:
    ours = our_disputes(window).filter(pk__gt=int(after or 0)).order_by("pk")
    found = ours[: page_sides.PAGE]
    return full_page([(str(dispute.pk), dispute) for dispute in found])


def sums_of_dispute(dispute: Dispute) -> tuple[Sum, ...]:
    counts: Micros = dispute.amount_micros if dispute.stands else 0
    return (Sum(TotalKind.DISPUTED, dispute.currency, ours=counts),)


def compare_our_dispute(dispute: Dispute, at: datetime) -> Compared:
    """Another status than ours, or funds elsewhere; its verb takes Stripe's word."""
    seen = reversal_gateway.fetch_dispute(dispute.stripe_dispute_id)
    differs = (dispute.status, dispute.stands, dispute.amount_micros) != (
        seen.status[:40],
        seen.is_withdrawn,
        seen.amount,
    )
    if differs:
        apply_dispute(dispute.stripe_dispute_id, at=at)
        dispute.refresh_from_db()
    counts = seen.amount if seen.is_withdrawn else 0
    theirs = Sum(TotalKind.DISPUTED, seen.currency, theirs=counts)
    return Compared(differs, (*sums_of_dispute(dispute), theirs))


# --- charges whose answer never came --------------------------------------------------


def page_of_unknown_tries(window: Window, after: str) -> Page:
    ours = unknown_tries().filter(
        first_sent_at__gte=window.since,
        first_sent_at__lt=window.until,
        pk__gt=int(after or 0),
    )
    found = ours.order_by("pk")[: page_sides.PAGE]
    return full_page([(str(one.pk), one) for one in found])


def compare_try(one: RechargeTry, at: datetime) -> Compared:
    return Compared(ask_about_try(one, at=at))

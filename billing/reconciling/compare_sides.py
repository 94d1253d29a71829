"""What is compared with Stripe, by the page, and what happens to what differs.

Four sides look from Stripe's list into our rows, three from our rows to Stripe. What
differs goes to the verb that its event would have gone to, which heals it or leaves
staff a task; what it cannot heal is left to staff here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import StaffTask
from accounts.staff_tasks import raise_staff_task
from billing import gateway
from billing.apply_outcome import differences
from billing.collecting.minor_units import micros_of
from billing.keep_event import EVENTS, keep_if_lost
from billing.models import (
    Dispute,
    InvoicePayment,
    InvoicePaymentKind,
    Refund,
    RefundState,
    TopUp,
)
from billing.reversing import reversal_gateway
from billing.reversing.dispute import apply_dispute
from billing.reversing.work_refund import work_refund
from billing.work_event import finish_payment
from credits.money import amount_text

PAGE = 20  # even if all of them differ, a page takes less than a job may
NOT_AT_STRIPE, REFUND_DIFFERS = "top_up_not_at_stripe", "refund_differs"
INVOICE_NOT_AT_STRIPE = "invoice_payment_not_at_stripe"


@dataclass(frozen=True)
class Page:
    """Some things of one side, each under its name, and the name to go on after."""

    things: Sequence[tuple[str, Any]]
    last: str


@dataclass(frozen=True)
class Side:
    """What is compared: a page of it, and the question whether one of it differed."""

    name: str
    page: Callable[[datetime, str], Page]
    differs: Callable[[Any, datetime], bool]


# --- what Stripe has ------------------------------------------------------------------


def _events(since: datetime, after: str) -> Page:
    found = gateway.page_of_events(since, EVENTS, after=after, limit=PAGE)
    return _full([(event["id"], event) for event in found])


def _event_was_lost(event: Mapping[str, Any], at: datetime) -> bool:
    return keep_if_lost(event, at=at)


def _payments(since: datetime, after: str) -> Page:
    found = gateway.page_of_payments(since, after=after, limit=PAGE)
    return _full([(payment.id, payment) for payment in found])


def _payment_differs(payment: gateway.Payment, at: datetime) -> bool:
    """Money of no sale or invoice of ours, unless staff have decided about it."""
    ours = TopUp.objects.paid().filter(stripe_payment_intent_id=payment.id).first()
    if not payment.is_paid or (ours is not None and not differences(ours, payment)):
        return False
    if InvoicePayment.objects.filter(reference=payment.id).exists():
        return False
    if StaffTask.objects.filter(reference=payment.id).exclude(done_at=None).exists():
        return False
    finish_payment(payment, at=at)
    return True


def _refunds(since: datetime, after: str) -> Page:
    found = reversal_gateway.page_of_refunds(since, after=after, limit=PAGE)
    return _full([(refund.id, refund) for refund in found])


def _refund_differs(seen: reversal_gateway.SeenRefund, at: datetime) -> bool:
    """Not ours yet, or not as far as ours; what then still differs is for staff."""
    mine = Refund.objects.filter(stripe_refund_id=seen.id)
    ours = mine.first()
    if ours is not None and _agree(ours, seen):
        return False
    work_refund(seen.id, at=at)
    ours = mine.first()
    if ours is not None and not _agree(ours, seen):
        raise_staff_task(
            REFUND_DIFFERS,
            reference=f"refunds:{seen.id}",
            detail=f"{ours.reference} is {ours.state} and {ours.total} here; Stripe "
            f"says {seen.status} and {amount_text(seen.amount)} {seen.currency}.",
            organisation=ours.organisation,
            at=at,
        )
    return True


def _agree(ours: Refund, seen: reversal_gateway.SeenRefund) -> bool:
    if seen.is_gone or not ours.stands:
        return seen.is_gone and not ours.stands
    has_arrived = ours.state == RefundState.SUCCEEDED
    return has_arrived == (seen.status == "succeeded") and (
        ours.total_micros,
        ours.currency,
    ) == (seen.amount, seen.currency)


def _disputes(since: datetime, after: str) -> Page:
    found = reversal_gateway.page_of_disputes(since, after=after, limit=PAGE)
    return _full([(dispute_id, (dispute_id, status)) for dispute_id, status in found])


def _dispute_differs(seen: tuple[str, str], at: datetime) -> bool:
    dispute_id, status = seen
    if Dispute.objects.filter(stripe_dispute_id=dispute_id, status=status).exists():
        return False
    apply_dispute(dispute_id, at=at)
    return True


def _full(things: list[tuple[str, Any]]) -> Page:
    """A page of Stripe's; a full one may be followed by another."""
    return Page(things, things[-1][0] if len(things) == PAGE else "")


# --- what we have ---------------------------------------------------------------------


def _top_ups(since: datetime, after: str) -> Page:
    ours = TopUp.objects.paid().filter(paid_at__gte=since, pk__gt=int(after or 0))
    found = ours.order_by("pk")[:PAGE]
    return _full([(str(top_up.pk), top_up) for top_up in found])


def _top_up_differs(top_up: TopUp, at: datetime) -> bool:
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
    return bool(said)


def _invoice_payments(since: datetime, after: str) -> Page:
    ours = InvoicePayment.objects.filter(
        kind=InvoicePaymentKind.STRIPE,
        amount_minor__gt=0,
        received_at__gte=since,
        pk__gt=int(after or 0),
    )
    found = ours.select_related("invoice__organisation").order_by("pk")[:PAGE]
    return _full([(str(paid.pk), paid) for paid in found])


def _invoice_payment_differs(paid: InvoicePayment, at: datetime) -> bool:
    """Booked here; Stripe does not know the payment, or says another amount."""
    if paid.reference.startswith("dispute:"):
        return False  # money that came back; its payment is another row
    payment, invoice = gateway.find_payment(paid.reference), paid.invoice
    booked = micros_of(paid.amount_minor, invoice.currency), invoice.currency
    if payment is not None and payment.is_paid:
        seen = (payment.received, payment.currency)
    else:
        seen = None
    if seen == booked:
        return False
    raise_staff_task(
        INVOICE_NOT_AT_STRIPE,
        reference=f"invoice-payments:{paid.pk}",
        detail=f"{invoice.number}: {amount_text(booked[0])} {booked[1]} are booked as "
        f"{paid.reference}, which Stripe does not know like that.",
        organisation=invoice.organisation,
        at=at,
    )
    return True


def _our_refunds(since: datetime, after: str) -> Page:
    ours = Refund.objects.filter(requested_at__gte=since, pk__gt=int(after or 0))
    found = ours.exclude(stripe_refund_id="").order_by("pk")[:PAGE]
    return _full([(str(refund.pk), refund) for refund in found])


def _our_refund_differs(refund: Refund, at: datetime) -> bool:
    seen = reversal_gateway.fetch_refund(refund.stripe_refund_id)
    return _refund_differs(seen, at)


SIDES = (
    Side("events", _events, _event_was_lost),
    Side("payments", _payments, _payment_differs),
    Side("refunds", _refunds, _refund_differs),
    Side("disputes", _disputes, _dispute_differs),
    Side("top-ups", _top_ups, _top_up_differs),
    Side("our-refunds", _our_refunds, _our_refund_differs),
    Side("invoice-payments", _invoice_payments, _invoice_payment_differs),
)


def _dispute_again(dispute_id: str) -> tuple[str, str]:
    return dispute_id, reversal_gateway.fetch_dispute(dispute_id).status


# How one of a side is fetched anew by its name.
FETCH: dict[str, Callable[[str], Any]] = {
    "events": gateway.fetch_event,
    "payments": gateway.fetch_payment,
    "refunds": reversal_gateway.fetch_refund,
    "disputes": _dispute_again,
    "top-ups": lambda pk: TopUp.objects.get(pk=int(pk)),
    "our-refunds": lambda pk: Refund.objects.get(pk=int(pk)),
    "invoice-payments": lambda pk: InvoicePayment.objects.get(pk=int(pk)),
}

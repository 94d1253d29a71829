"""What Stripe has is looked for in our rows: events, payments, refunds, disputes.

What differs goes to the verb that its event would have gone to, which heals it or
leaves staff a task. What has a row of ours is added up there (`compare_ours`); only
what has none, and is not decided by staff, is added here.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from accounts.staff_tasks import raise_staff_task
from billing import gateway
from billing.apply_outcome import differences
from billing.collecting.minor_units import micros_of
from billing.keep_event import EVENTS, keep_if_lost
from billing.models import (
    Dispute,
    InvoicePayment,
    RechargeTry,
    Refund,
    RefundState,
    TopUp,
    TotalKind,
    TryOutcome,
)
from billing.reconciling import page_sides
from billing.reconciling.page_sides import (
    Compared,
    Page,
    Sum,
    Window,
    full_page,
    is_decided,
)
from billing.reversing import reversal_gateway
from billing.reversing.dispute import apply_dispute
from billing.reversing.work_refund import work_refund
from billing.work_event import finish_payment
from credits.money import Micros, amount_text

REFUND_DIFFERS = "refund_differs"


def page_of_events(window: Window, after: str) -> Page:
    found = gateway.page_of_events(
        window.since, EVENTS, after=after, limit=page_sides.PAGE
    )
    return full_page([(event["id"], event) for event in found])


def compare_event(event: Mapping[str, Any], at: datetime) -> Compared:
    """An event that we never kept."""
    return Compared(keep_if_lost(event, at=at))


def page_of_payments(window: Window, after: str) -> Page:
    found = gateway.page_of_payments(window.since, after=after, limit=page_sides.PAGE)
    return full_page([(payment.id, payment) for payment in found])


def compare_payment(payment: gateway.Payment, at: datetime) -> Compared:
    """Money of no sale or invoice of ours, or how a charge went that we do not know."""
    differs = _is_news(payment) and not is_decided(payment.id)
    if differs:
        finish_payment(payment, at=at)
    is_stray = payment.is_paid and not (
        _is_paid_here(payment) or is_decided(payment.id)
    )
    stray = Sum(TotalKind.PAID, payment.currency, theirs=payment.received)
    return Compared(differs, (stray,) if is_stray else ())


def _is_news(payment: gateway.Payment) -> bool:
    if not payment.is_paid:
        return _ends_unknown_try(payment)
    ours = _sale_of(payment)
    if ours is not None:
        return bool(differences(ours, payment))
    return not _is_paid_here(payment)


def _ends_unknown_try(payment: gateway.Payment) -> bool:
    """Rule 5.3: a charge whose answer was lost stands at Stripe under our own key."""
    key = payment.metadata.get(gateway.TRY, "")
    unknown = RechargeTry.objects.filter(stripe_key=key, outcome=TryOutcome.UNKNOWN)
    return bool(key) and unknown.exists()


def _sale_of(payment: gateway.Payment) -> TopUp | None:
    return TopUp.objects.paid().filter(stripe_payment_intent_id=payment.id).first()


def _is_paid_here(payment: gateway.Payment) -> bool:
    of_invoice = InvoicePayment.objects.filter(reference=payment.id)
    return _sale_of(payment) is not None or of_invoice.exists()


def page_of_refunds(window: Window, after: str) -> Page:
    found = reversal_gateway.page_of_refunds(
        window.since, after=after, limit=page_sides.PAGE
    )
    return full_page([(refund.id, refund) for refund in found])


def compare_refund(seen: reversal_gateway.SeenRefund, at: datetime) -> Compared:
    """Not ours yet, or not as far as ours; what then still differs is for staff."""
    mine = Refund.objects.filter(stripe_refund_id=seen.id)
    ours = mine.first()
    differs = ours is None or not refunds_agree(ours, seen)
    if differs:
        work_refund(seen.id, at=at)
        ours = mine.first()
    if ours is not None:
        if not refunds_agree(ours, seen):
            _leave_refund_to_staff(ours, seen, at)
        return Compared(differs)
    if seen.is_gone or is_decided(seen.id):
        return Compared(differs and not is_decided(seen.id))
    stray = Sum(TotalKind.REFUNDED, seen.currency, theirs=seen.amount)
    return Compared(differs, (stray,))


def _leave_refund_to_staff(
    ours: Refund, seen: reversal_gateway.SeenRefund, at: datetime
) -> None:
    raise_staff_task(
        REFUND_DIFFERS,
        reference=f"refunds:{seen.id}",
        detail=f"{ours.reference} is {ours.state} and {ours.total} here; Stripe "
        f"says {seen.status} and {amount_text(seen.amount)} {seen.currency}.",
        organisation=ours.organisation,
        at=at,
    )


def refunds_agree(ours: Refund, seen: reversal_gateway.SeenRefund) -> bool:
    if seen.is_gone or not ours.stands:
        return seen.is_gone and not ours.stands
    has_arrived = ours.state == RefundState.SUCCEEDED
    return has_arrived == (seen.status == "succeeded") and (
        ours.total_micros,
        ours.currency,
    ) == (seen.amount, seen.currency)


def page_of_disputes(window: Window, after: str) -> Page:
    found = reversal_gateway.page_of_disputes(
        window.since, after=after, limit=page_sides.PAGE
    )
    return full_page([(dispute_id, dispute_id) for dispute_id in found])


def compare_dispute(dispute_id: str, at: datetime) -> Compared:
    """One that no row of ours is about; of an invoice's payment that invoice's rows."""
    if Dispute.objects.filter(stripe_dispute_id=dispute_id).exists():
        return Compared(differs=False)  # compared from our side, whenever it began
    seen = reversal_gateway.fetch_dispute(dispute_id)
    was_booked = _booked_of_invoice(dispute_id)
    found = apply_dispute(dispute_id, at=at)
    booked = _booked_of_invoice(dispute_id)
    amount = seen.amount if seen.is_withdrawn else 0
    paid = InvoicePayment.objects.filter(reference=seen.payment_id)
    if seen.payment_id and paid.exists():
        both = Sum(TotalKind.DISPUTED, seen.currency, ours=booked, theirs=amount)
        return Compared(booked != was_booked, (both,))
    if found is not None or is_decided(dispute_id):
        return Compared(differs=found is not None)
    stray = Sum(TotalKind.DISPUTED, seen.currency, theirs=amount)
    return Compared(differs=True, sums=(stray,))


def _booked_of_invoice(dispute_id: str) -> Micros:
    """What an invoice's payments lost to a dispute; given back, it is nothing."""
    rows = InvoicePayment.objects.filter(reference__startswith=f"dispute:{dispute_id}:")
    moved = rows.values_list("amount_minor", "invoice__currency")
    return -sum(micros_of(minor, currency) for minor, currency in moved)

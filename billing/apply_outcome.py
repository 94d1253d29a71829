"""What Stripe says about a payment is compared with the sale, and acted upon once.

A payment that agrees with its top-up in amount, currency, customer and our own ids
makes the top-up paid and its lot, in one transaction and however often it is asked
(rule 4.4). One that does not becomes a staff task, never credit. The wallet is locked
first, then the sale; nothing read before is used inside.
"""

from datetime import datetime, timedelta

from django.db import transaction

from accounts.audit import record_audit
from accounts.models import NoticeKind
from accounts.notify import owe_notice
from accounts.staff_tasks import raise_staff_task
from billing.documents.ask_receipt import ask_receipt
from billing.gateway import ORGANISATION, TOP_UP, Checkout, Payment
from billing.incoming import note_incoming
from billing.models import TopUp, TopUpKind, TopUpState
from billing.models.fields import sold_money
from billing.numbers import take_receipt_number
from billing.recharging.card_breaker import resume_after_top_up
from billing.recharging.recharge_outcome import note_recharge_paid, note_recharge_unpaid
from billing.recharging.tell_recharges import receipt_facts
from credits.issue import issue_lot
from credits.lock import lock_wallet
from credits.models import Lot, LotKind
from credits.money import amount_text

NOT_ATTRIBUTED = "payment_not_attributed"
PAID_TWICE = "paid_twice"
FAILED_AFTER_PAID = "failed_after_paid"
PAID_AFTER_CLOSING = "paid_after_closing"
PAGE_LASTS = timedelta(hours=24)  # at Stripe


def apply_outcome(
    top_up_id: int, payment: Payment | None, page: Checkout | None, *, at: datetime
) -> TopUp:
    """The top-up as it stands after what Stripe said."""
    organisation_id = TopUp.objects.get(pk=top_up_id).organisation_id
    with transaction.atomic():
        lock_wallet(organisation_id)
        top_up = TopUp.objects.select_for_update().get(pk=top_up_id)
        top_up.looked_at = at
        top_up.save(update_fields=["looked_at"])
        if top_up.is_paid:
            _after_paid(top_up, payment, at=at)
        elif payment is not None and payment.is_paid:
            _paid(top_up, payment, at=at)
        elif top_up.kind == TopUpKind.RECHARGE:
            _recharge_not_paid(top_up, payment, at=at)
        else:
            _not_paid(top_up, payment, page, at=at)
        note_incoming(organisation_id)
    return top_up


def differences(top_up: TopUp, payment: Payment) -> dict[str, str]:
    """Where a payment does not agree with the sale; empty if it is that sale's."""
    expected: dict[str, tuple[object, object]] = {
        "amount": (top_up.total_micros, payment.received),
        "currency": (top_up.currency, payment.currency),
        "customer": (top_up.stripe_customer_id, payment.customer_id),
        TOP_UP: (str(top_up.pk), payment.metadata.get(TOP_UP)),
        ORGANISATION: (
            str(top_up.organisation_id),
            payment.metadata.get(ORGANISATION),
        ),
    }
    return {
        name: f"{name}: expected {ours}, Stripe says {theirs}"
        for name, (ours, theirs) in expected.items()
        if ours != theirs
    }


def _paid(top_up: TopUp, payment: Payment, *, at: datetime) -> None:
    if wrong := differences(top_up, payment):
        raise_staff_task(
            NOT_ATTRIBUTED,
            reference=payment.id,
            detail=f"{top_up.reference}: " + "; ".join(wrong.values()),
            organisation=top_up.organisation,
            at=at,
        )
        return
    top_up.state = TopUpState.PAID
    top_up.stripe_payment_intent_id = payment.id
    top_up.received = sold_money(payment.received, payment.currency)
    top_up.receipt_number = take_receipt_number(top_up.organisation, at=at)
    top_up.failure_code = ""
    top_up.paid_at = top_up.ended_at = at
    top_up.save()
    lot = issue_lot(
        top_up.organisation,
        kind=LotKind(top_up.kind),
        amount=top_up.credit_micros,
        reference=f"top-up:{payment.id}",
        sale_id=top_up.pk,
        is_taxed=top_up.is_taxed,
        actor=top_up.actor,
        at=at,
    )
    _tell_paid(top_up, lot, at=at)
    if top_up.organisation.closed_at is not None:
        _leave_to_staff(top_up, at=at)
    if top_up.kind == TopUpKind.RECHARGE:
        note_recharge_paid(top_up, payment, at=at)
    else:
        resume_after_top_up(top_up.organisation_id, episode=top_up.reference, at=at)


def _tell_paid(top_up: TopUp, lot: Lot, *, at: datetime) -> None:
    ask_receipt(top_up)
    is_recharge = top_up.kind == TopUpKind.RECHARGE
    record_audit(
        "top_up_paid",
        at=at,
        organisation=top_up.organisation,
        actor=top_up.actor,
        object=top_up.reference,
        after={
            "receipt": top_up.receipt_number,
            "credit": amount_text(top_up.credit_micros),
            "payment": top_up.stripe_payment_intent_id,
        },
    )
    owe_notice(
        NoticeKind.RECEIPT,
        organisation=top_up.organisation,
        episode=top_up.reference,
        context={
            "amount": top_up.total_micros,
            "currency": top_up.currency,
            "receipt": top_up.receipt_number,
            "purchase_order": top_up.purchase_order,
            "paid_at": at.isoformat(),
            "expires_at": lot.expires_at.isoformat(),
            "path": top_up.get_absolute_url(),
            **(receipt_facts(top_up.attempt) if is_recharge else {}),
        },
        at=at,
    )


def _leave_to_staff(top_up: TopUp, *, at: datetime) -> None:
    """Nobody can use what a closed organisation has paid for (rule 1.8)."""
    raise_staff_task(
        PAID_AFTER_CLOSING,
        reference=top_up.reference,
        detail=f"{top_up.total} was paid after the organisation was closed: refund it.",
        organisation=top_up.organisation,
        at=at,
    )


def _recharge_not_paid(top_up: TopUp, payment: Payment | None, *, at: datetime) -> None:
    """A payment page that was left says nothing: the order waits for approval."""
    if payment is None or differences(top_up, payment).keys() - {"amount"}:
        return
    note_recharge_unpaid(top_up, payment, at=at)


def _not_paid(
    top_up: TopUp, payment: Payment | None, page: Checkout | None, *, at: datetime
) -> None:
    """Processing, abandoned, failed, or only a declined try that is noted."""
    if payment is not None and differences(top_up, payment).keys() - {"amount"}:
        return  # somebody else's, and nothing was paid
    state = _state_now(payment, page)
    if top_up.started_at <= at - PAGE_LASTS and not top_up.stripe_session_id:
        state = TopUpState.ABANDONED  # its page never opened
    if payment is not None:
        top_up.failure_code = payment.failure_code
        if not top_up.stripe_payment_intent_id:
            top_up.stripe_payment_intent_id = payment.id
    # What failed or was abandoned may be paid after all, or be on its way there.
    if state is not None and (top_up.is_open or state.is_open):
        top_up.state = state
        top_up.ended_at = None if state.is_open else at
        if state == TopUpState.FAILED:
            _tell_failed(top_up, at=at)
    top_up.save()


def _state_now(payment: Payment | None, page: Checkout | None) -> TopUpState | None:
    if payment is not None and payment.status == "processing":
        return TopUpState.PROCESSING
    if page is not None and page.is_expired:
        return TopUpState.ABANDONED
    is_over = page is not None and page.is_complete
    if payment is not None and (is_over or payment.status == "canceled"):
        return TopUpState.FAILED
    return None


def _tell_failed(top_up: TopUp, *, at: datetime) -> None:
    owe_notice(
        NoticeKind.TOP_UP_FAILED,
        organisation=top_up.organisation,
        episode=top_up.reference,
        context={
            "amount": top_up.total_micros,
            "currency": top_up.currency,
            "reason": top_up.failure_code,
            "path": top_up.get_absolute_url(),
        },
        at=at,
    )


def _after_paid(top_up: TopUp, payment: Payment | None, *, at: datetime) -> None:
    """Nothing leaves `paid`: whatever contradicts it is for staff (rule 4.3)."""
    if payment is None:
        return
    is_the_same = payment.id == top_up.stripe_payment_intent_id
    if is_the_same and not payment.is_paid:
        kind, said = FAILED_AFTER_PAID, f"Stripe now says {payment.status}"
    elif not is_the_same and payment.is_paid:
        amount = amount_text(payment.received)
        kind, said = PAID_TWICE, f"a second payment of {amount} {payment.currency}"
    else:
        return
    raise_staff_task(
        kind,
        reference=payment.id,
        detail=f"{top_up.reference}: {said}.",
        organisation=top_up.organisation,
        at=at,
    )

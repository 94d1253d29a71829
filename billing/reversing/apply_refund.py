"""What Stripe says about a refund becomes true here, once (rule 4.7).

Pending counts; one that failed gives the credit back by reversing entries, into a lot
that has expired meanwhile too, which then expires again (rule 3.3). A refund that was
made at Stripe itself gets a row of its own, and staff are told. Nothing leaves
`failed`. Locks the wallet, then the sale, then the refund.
"""

from datetime import datetime

from django.db import transaction

from accounts.audit import record_audit
from accounts.models import NoticeKind
from accounts.notify import owe_notice
from accounts.staff_tasks import raise_staff_task
from billing.models import Refund, RefundState, TopUp
from billing.models.fields import sold_money
from billing.reversing.reversal_gateway import REFUND, SeenRefund
from billing.reversing.reverse import (
    credit_reversed,
    gross_reversed,
    net_reversal,
    settle_reversal,
)
from credits.lock import lock_wallet
from credits.money import amount_text, currency_of

FAILED, AT_STRIPE = "refund_failed", "refund_at_stripe"


def apply_refund(refund_id: int, seen: SeenRefund, *, at: datetime) -> Refund:
    """The refund as it stands after what Stripe said."""
    if seen.is_gone:
        code = seen.failure_code or seen.status
        return fail_refund(refund_id, code, stripe_refund_id=seen.id, at=at)
    with transaction.atomic():
        refund, top_up = _lock(refund_id)
        if not refund.stands:
            return refund
        is_news = _state_of(seen) != refund.state
        refund.stripe_refund_id, refund.state = seen.id, _state_of(seen)
        if is_news and refund.state == RefundState.SUCCEEDED:
            refund.ended_at = at
            _tell(refund, top_up, NoticeKind.REFUND_DONE, at=at)
        refund.save()
    return refund


def fail_refund(
    refund_id: int, code: str, *, at: datetime, stripe_refund_id: str = ""
) -> Refund:
    """The credit is back, staff have a task and the customer a message."""
    with transaction.atomic():
        refund, top_up = _lock(refund_id)
        if not refund.stands:
            return refund
        refund.state, refund.failure_code = RefundState.FAILED, code[:60]
        refund.stripe_refund_id = stripe_refund_id or refund.stripe_refund_id
        refund.ended_at = at
        refund.save()
        settle_reversal(top_up, refund, at=at)
        raise_staff_task(
            FAILED,
            reference=refund.reference,
            detail=f"{refund.total} of {top_up.receipt_number} did not go back: {code}",
            organisation=refund.organisation,
            at=at,
        )
        _tell(refund, top_up, NoticeKind.REFUND_FAILED, at=at)
    return refund


def record_refund_at_stripe(top_up: TopUp, seen: SeenRefund, *, at: datetime) -> Refund:
    """The row of a refund that somebody made at Stripe; once per refund."""
    with transaction.atomic():
        lock_wallet(top_up.organisation_id)
        sale = TopUp.objects.select_for_update().get(pk=top_up.pk)
        known = Refund.objects.filter(stripe_refund_id=seen.id).first()
        if known is not None:
            return known
        refund = _row_of(sale, seen, at)
        if refund.stands:
            settle_reversal(sale, refund, at=at)
        raise_staff_task(
            AT_STRIPE,
            reference=seen.id,
            detail=f"{refund.total} of {sale.receipt_number} was refunded at Stripe.",
            organisation=sale.organisation,
            at=at,
        )
        if refund.state == RefundState.SUCCEEDED:
            _tell(refund, sale, NoticeKind.REFUND_DONE, at=at)
    return refund


def named_refund(seen: SeenRefund) -> Refund | None:
    """Our row of a refund at Stripe, by its id or by the name we gave it there."""
    known = Refund.objects.filter(stripe_refund_id=seen.id).first()
    named = seen.metadata.get(REFUND, "")
    if known is None and named.isdecimal():
        unanswered = Refund.objects.filter(pk=int(named), stripe_refund_id="")
        known = unanswered.exclude(state=RefundState.FAILED).first()
    return known


def _row_of(top_up: TopUp, seen: SeenRefund, at: datetime) -> Refund:
    before = credit_reversed(top_up)
    gross = min(sum(gross_reversed(top_up)) + seen.amount, top_up.total_micros)
    step = currency_of(top_up.currency).step
    net = net_reversal(top_up.credit_micros, gross, top_up.total_micros, step)
    state = _state_of(seen)
    return Refund.objects.create(
        organisation=top_up.organisation,
        top_up=top_up,
        credit=sold_money(max(0, net - before), top_up.currency),
        total=sold_money(seen.amount, seen.currency),
        state=state,
        reason="",
        client_key=f"stripe:{seen.id}",
        stripe_refund_id=seen.id,
        failure_code=seen.failure_code[:60],
        requested_at=at,
        ended_at=None if state == RefundState.PENDING else at,
    )


def _state_of(seen: SeenRefund) -> RefundState:
    if seen.is_gone:
        return RefundState.FAILED
    is_done = seen.status == "succeeded"
    return RefundState.SUCCEEDED if is_done else RefundState.PENDING


def _lock(refund_id: int) -> tuple[Refund, TopUp]:
    known = Refund.objects.get(pk=refund_id)
    lock_wallet(known.organisation_id)
    top_up = TopUp.objects.select_for_update().get(refunds=refund_id)
    return Refund.objects.select_for_update().get(pk=refund_id), top_up


def _tell(refund: Refund, top_up: TopUp, kind: NoticeKind, *, at: datetime) -> None:
    record_audit(
        kind.value,
        at=at,
        organisation=refund.organisation,
        object=refund.reference,
        reason=refund.failure_code,
        after={"credit": amount_text(refund.credit_micros)},
    )
    owe_notice(
        kind,
        organisation=refund.organisation,
        episode=refund.reference,
        context={
            "amount": refund.total_micros,
            "credit": refund.credit_micros,
            "currency": refund.currency,
            "receipt": top_up.receipt_number,
            "path": top_up.get_absolute_url(),
        },
        at=at,
    )

"""A bank questions a payment: what Stripe says about it becomes true here (rule 4.7).

The dispute is fetched each time, so its events may come in any order and number: only
whether the funds are withdrawn now moves credit. An inquiry moves none. Withdrawn, the
credit is taken from the payment's lot and the rest is debt; given back, it is a
restored lot. The card is paused once. Locks the wallet, then the sale.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.audit import record_audit
from accounts.models import NoticeKind
from accounts.notify import owe_notice
from accounts.staff_tasks import raise_staff_task
from billing.collecting.dispute_invoice import note_invoice_dispute
from billing.models import Dispute, PaymentMethod, TopUp
from billing.models.cards import DISPUTED
from billing.models.fields import sold_money
from billing.reversing.paid_sale import leave_to_staff, paid_sale
from billing.reversing.reversal_gateway import SeenDispute, fetch_dispute
from billing.reversing.reverse import settle_reversal
from credits.lock import lock_wallet
from credits.money import amount_text

OPENED, NOT_ATTRIBUTED = "dispute_opened", "dispute_not_attributed"


def apply_dispute(dispute_id_at_stripe: str, *, at: datetime) -> Dispute | None:
    """The dispute as it stands now; None for a payment that is of no sale of ours.

    A disputed payment of an invoice is that invoice's own matter.
    """
    seen = fetch_dispute(dispute_id_at_stripe)
    if note_invoice_dispute(seen, at=at):
        return None
    top_up = paid_sale(seen.payment_id, at=at)
    if top_up is None:
        amount = f"{amount_text(seen.amount)} {seen.currency}"
        leave_to_staff(NOT_ATTRIBUTED, seen.id, amount, seen.payment_id, at=at)
        return None
    return note_dispute(top_up, seen, at=at)


def note_dispute(top_up: TopUp, seen: SeenDispute, *, at: datetime) -> Dispute:
    """The same for a payment that was found and a dispute that was fetched."""
    with transaction.atomic():
        lock_wallet(top_up.organisation_id)
        sale = TopUp.objects.select_for_update().get(pk=top_up.pk)
        dispute = _row_of(sale, seen)
        was_told, was_closed = (
            dispute.pk and not dispute.is_inquiry,
            not dispute.is_open,
        )
        _take_over(dispute, seen, at)
        dispute.save()
        settle_reversal(sale, dispute, at=at)
        if not dispute.is_inquiry and not was_told:
            _opened(dispute, sale, seen, at=at)
        if dispute.closed_at and not was_closed and not dispute.is_inquiry:
            _closed(dispute, sale, seen, at=at)
    return dispute


def _row_of(top_up: TopUp, seen: SeenDispute) -> Dispute:
    known = Dispute.objects.filter(stripe_dispute_id=seen.id).first()
    return known or Dispute(
        organisation=top_up.organisation,
        top_up=top_up,
        stripe_dispute_id=seen.id,
        opened_at=seen.opened_at,
    )


def _take_over(dispute: Dispute, seen: SeenDispute, at: datetime) -> None:
    dispute.status, dispute.reason = seen.status[:40], seen.reason[:40]
    dispute.amount = sold_money(seen.amount, seen.currency)
    dispute.evidence_due_at = seen.evidence_due_at
    dispute.looked_at = at
    if seen.is_withdrawn and not dispute.stands:
        dispute.withdrawn_at, dispute.reinstated_at = at, None
    elif dispute.stands and not seen.is_withdrawn:
        dispute.reinstated_at = at
    # A dispute that was won is over once the funds are back.
    is_over = seen.is_closed and not (seen.status == "won" and seen.is_withdrawn)
    dispute.closed_at = (dispute.closed_at or at) if is_over else None


def _opened(
    dispute: Dispute, top_up: TopUp, seen: SeenDispute, *, at: datetime
) -> None:
    paused = {"suspended_at": at, "suspended_code": DISPUTED}
    _cards(dispute, seen).exclude(suspended_code=DISPUTED).update(**paused)
    due = dispute.evidence_due_at
    raise_staff_task(
        OPENED,
        reference=dispute.stripe_dispute_id,
        detail=f"{dispute.amount} of {top_up.receipt_number}: {dispute.reason}; "
        f"answer at Stripe by {due:%Y-%m-%d %H:%M} UTC."
        if due
        else f"{dispute.amount} of {top_up.receipt_number}: {dispute.reason}.",
        organisation=dispute.organisation,
        at=at,
    )
    _note("dispute_opened", dispute, at=at)
    _tell(NoticeKind.DISPUTE_OPENED, dispute, top_up, at=at)


def _closed(
    dispute: Dispute, top_up: TopUp, seen: SeenDispute, *, at: datetime
) -> None:
    _note("dispute_closed", dispute, at=at)
    outcome = "lost" if dispute.stands else "won"
    if outcome == "won":
        resumed = {"suspended_at": None, "suspended_code": ""}
        _cards(dispute, seen).filter(suspended_code=DISPUTED).update(**resumed)
    _tell(NoticeKind.DISPUTE_CLOSED, dispute, top_up, at=at, outcome=outcome)


def _cards(dispute: Dispute, seen: SeenDispute) -> "QuerySet[PaymentMethod]":
    """The card that paid, as it is saved here; the wallet is locked."""
    same = Q(stripe_payment_method_id=seen.payment_method_id)
    if seen.fingerprint:
        same |= Q(fingerprint=seen.fingerprint)
    return PaymentMethod.objects.filter(same, organisation=dispute.organisation_id)


def _note(verb: str, dispute: Dispute, *, at: datetime) -> None:
    record_audit(
        verb,
        at=at,
        organisation=dispute.organisation,
        object=dispute.reference,
        reason=dispute.reason,
        after={"status": dispute.status, "amount": str(dispute.amount)},
    )


def _tell(
    kind: NoticeKind, dispute: Dispute, top_up: TopUp, *, at: datetime, **facts: str
) -> None:
    owe_notice(
        kind,
        organisation=dispute.organisation,
        episode=dispute.reference,
        context={
            "amount": dispute.amount_micros,
            "currency": dispute.currency,
            "receipt": top_up.receipt_number,
            "path": top_up.get_absolute_url(),
            **facts,
        },
        at=at,
    )

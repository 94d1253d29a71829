"""Finds the top-up that a payment at Stripe paid for (rule 4.7, museum B43).

Refunds and disputes are attributed through the payment, never through a customer. An
event may come before the one that said the payment was made; then that is done first.
"""

from datetime import datetime

from accounts.staff_tasks import raise_staff_task
from billing.gateway import TOP_UP, fetch_payment
from billing.models import TopUp
from billing.top_up import finish_top_up


def paid_sale(payment_id: str, *, at: datetime) -> TopUp | None:
    """The paid top-up, asking Stripe if need be; None for a payment not ours."""
    paid = TopUp.objects.paid()
    known = paid.filter(stripe_payment_intent_id=payment_id).first()
    if known is not None or not payment_id:
        return known
    named = fetch_payment(payment_id).metadata.get(TOP_UP, "")
    if named.isdecimal() and TopUp.objects.filter(pk=int(named)).exists():
        finish_top_up(int(named), at=at, payment_id=payment_id)
    return paid.filter(stripe_payment_intent_id=payment_id).first()


def leave_to_staff(
    kind: str, reference: str, amount: str, payment_id: str, *, at: datetime
) -> None:
    """Money of a payment we do not know went back: a task, never a ledger entry."""
    raise_staff_task(
        kind,
        reference=reference,
        detail=f"{amount} of {payment_id or 'no payment'}, which is no top-up of ours.",
        at=at,
    )

"""Works what an event says about a refund (rule 4.7)."""

from datetime import datetime

from billing.models import Refund
from billing.reversing.apply_refund import (
    apply_refund,
    named_refund,
    record_refund_at_stripe,
)
from billing.reversing.paid_sale import leave_to_staff, paid_sale
from billing.reversing.reversal_gateway import fetch_refund
from credits.money import amount_text

NOT_ATTRIBUTED = "refund_not_attributed"


def work_refund(refund_id_at_stripe: str, *, at: datetime) -> Refund | None:
    """Our refund, one made at Stripe, or None for a payment that is not ours."""
    seen = fetch_refund(refund_id_at_stripe)
    ours = named_refund(seen)
    if ours is not None:
        return apply_refund(ours.pk, seen, at=at)
    top_up = paid_sale(seen.payment_id, at=at)
    if top_up is not None:
        return record_refund_at_stripe(top_up, seen, at=at)
    amount = f"{amount_text(seen.amount)} {seen.currency}"
    leave_to_staff(NOT_ATTRIBUTED, seen.id, amount, seen.payment_id, at=at)
    return None

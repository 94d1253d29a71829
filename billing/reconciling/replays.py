"""What "process again" does for each kind of task that billing leaves to staff.

Each ends in the verb that the event or the sweep ends in, and says how things stand
afterwards. Whatever only a person can decide stays on the list.
"""

from datetime import datetime

from django.utils.translation import gettext as _

from accounts.replay_task import Replayed, offer_replay
from billing import apply_outcome, gateway
from billing.collecting import apply_stripe_invoice
from billing.models import (
    InvoicePayment,
    RechargeTry,
    Refund,
    RefundState,
    StripeInbox,
    TopUp,
    TryOutcome,
)
from billing.recharging.ask_unknown import ask_about_try
from billing.recharging.recharge import OUTCOME_NOT_KNOWN
from billing.reconciling.add_up import TOTALS_DIFFER, latest_total
from billing.reconciling.compare_ours import INVOICE_NOT_AT_STRIPE, NOT_AT_STRIPE
from billing.reconciling.compare_theirs import REFUND_DIFFERS
from billing.reconciling.compare_with_stripe import NOT_COMPARED, compare_one
from billing.reconciling.reconcile import EVENT_NOT_WORKED
from billing.reversing import apply_refund, dispute, work_refund
from billing.reversing.refund import finish_refund
from billing.work_event import finish_payment, work_event


def work_event_again(event_id: str, at: datetime) -> Replayed:
    """Works an event of the inbox anew, whether or not it was worked before."""
    event = StripeInbox.objects.get(event_id=event_id)
    work_event(event.pk, at=at, is_again=True)
    return Replayed(_("The event was worked."), is_settled=True)


def finish_payment_again(payment_id: str, at: datetime) -> Replayed:
    payment = gateway.fetch_payment(payment_id)
    finish_payment(payment, at=at)
    booked = InvoicePayment.objects.filter(reference=payment_id)
    if (paid := booked.select_related("invoice").first()) is not None:
        said = _("The payment is that of invoice %(number)s.")
        return Replayed(said % {"number": paid.invoice.number}, is_settled=True)
    top_up = TopUp.objects.paid().filter(stripe_payment_intent_id=payment_id).first()
    if top_up is None:
        return Replayed(
            _("The payment is %(status)s at Stripe and still no top-up of ours.")
            % {"status": payment.status},
            is_settled=False,
        )
    return Replayed(
        _("The payment is that of receipt %(receipt)s.")
        % {"receipt": top_up.receipt_number},
        is_settled=payment.is_paid,
    )


def finish_refund_again(reference: str, at: datetime) -> Replayed:
    """Of our own refund: `refund:17`."""
    refund = finish_refund(int(reference.rpartition(":")[2]), at=at)
    return _state_of_refund(refund)


def work_refund_again(refund_id: str, at: datetime) -> Replayed:
    """Of a refund that was made at Stripe."""
    refund = work_refund.work_refund(refund_id, at=at)
    if refund is None:
        said = _("The refund is still of no payment of ours.")
        return Replayed(said, is_settled=False)
    return _state_of_refund(refund)


def look_at_dispute_again(dispute_id: str, at: datetime) -> Replayed:
    found = dispute.apply_dispute(dispute_id, at=at)
    if found is None:
        said = _("The dispute is still about no payment of ours.")
        return Replayed(said, is_settled=False)
    return Replayed(
        _("The dispute is %(status)s at Stripe.") % {"status": found.status},
        is_settled=not found.is_open,
    )


def work_invoice_again(invoice_id: str, at: datetime) -> Replayed:
    """Of an invoice at Stripe that was paid."""
    found = apply_stripe_invoice.work_stripe_invoice(invoice_id, at=at)
    if found is None:
        said = _("Stripe's invoice is still none of ours.")
        return Replayed(said, is_settled=False)
    return Replayed(
        _("Invoice %(number)s: %(state)s.")
        % {"number": found.number, "state": found.get_state_display()},
        is_settled=not found.is_owed,
    )


def compare_again(reference: str, at: datetime) -> Replayed:
    if compare_one(reference, at=at):
        return Replayed(_("Stripe still says something else."), is_settled=False)
    return Replayed(_("Both sides agree now."), is_settled=True)


def look_at_totals_again(reference: str, at: datetime) -> Replayed:
    """Of a kind and currency: what the last comparison that ended came to."""
    total = latest_total(reference)
    if total is None or not total.difference:
        said = _("The totals of the last comparison agree.")
        return Replayed(said, is_settled=True)
    said = _(
        "The last comparison still came to %(ours)s here and %(theirs)s at Stripe."
    )
    amounts = {"ours": total.ours_shown, "theirs": total.theirs_shown}
    return Replayed(said % amounts, is_settled=False)


def ask_about_try_again(key: str, at: datetime) -> Replayed:
    """Of a charge nobody found: `recharge:7:1`, the key it was sent with."""
    one = RechargeTry.objects.get(stripe_key=key)
    ask_about_try(one, at=at)
    if one.outcome == TryOutcome.UNKNOWN and one.ended_at is None:
        said = _("Stripe still has no payment of this charge.")
        return Replayed(said, is_settled=False)
    said = _("The charge: %(outcome)s.") % {"outcome": one.get_outcome_display()}
    return Replayed(said, is_settled=True)


def _state_of_refund(refund: Refund) -> Replayed:
    return Replayed(
        _("The refund of %(amount)s: %(state)s.")
        % {
            "amount": refund.total,
            "state": RefundState(refund.state).label,
        },
        is_settled=refund.state == RefundState.SUCCEEDED,
    )


def offer_replays() -> None:
    """Which kind of task is processed again by what."""
    offer_replay(EVENT_NOT_WORKED, work_event_again)
    offer_replay(apply_outcome.NOT_ATTRIBUTED, finish_payment_again)
    offer_replay(apply_outcome.PAID_TWICE, finish_payment_again)
    offer_replay(apply_outcome.FAILED_AFTER_PAID, finish_payment_again)
    offer_replay(apply_refund.FAILED, finish_refund_again)
    offer_replay(apply_refund.AT_STRIPE, work_refund_again)
    offer_replay(work_refund.NOT_ATTRIBUTED, work_refund_again)
    offer_replay(dispute.OPENED, look_at_dispute_again)
    offer_replay(dispute.NOT_ATTRIBUTED, look_at_dispute_again)
    offer_replay(apply_stripe_invoice.NOT_ATTRIBUTED, work_invoice_again)
    offer_replay(TOTALS_DIFFER, look_at_totals_again)
    offer_replay(OUTCOME_NOT_KNOWN, ask_about_try_again)
    for kind in (NOT_AT_STRIPE, REFUND_DIFFERS, INVOICE_NOT_AT_STRIPE, NOT_COMPARED):
        offer_replay(kind, compare_again)

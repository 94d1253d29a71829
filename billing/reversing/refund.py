"""Staff give money back for credit that was not used (rules 3.3 and 4.7).

Row first: the credit leaves the payment's lot in the transaction that writes the
refund. Stripe second, outside any transaction, with the key `refund:<id>`. Row third
(`apply_refund`). An unknown outcome is sent again with the same key for 23 hours; then
we only look. The same client key finds the same refund. Locks the wallet, then the
sale.
"""

from datetime import datetime, timedelta

from django.db import transaction

from accounts.audit import record_audit
from accounts.models import User
from billing.models import Refund, TopUp
from billing.models.fields import sold_money
from billing.reasons import check_reason
from billing.refusals import ClientKeyReused, DisputeOpen, MoreThanRefundable
from billing.reversing.apply_refund import apply_refund, fail_refund
from billing.reversing.open_disputes import has_open_dispute
from billing.reversing.reversal_gateway import (
    REFUND,
    RefundRefused,
    SeenRefund,
    fetch_refund,
    list_refunds,
    send_refund,
)
from billing.reversing.reverse import (
    credit_reversed,
    gross_of,
    gross_reversed,
    settle_reversal,
    whole_steps,
)
from billing.reversing.sale_lots import lots_of
from credits.lock import lock_wallet
from credits.lots import read_live_lots
from credits.models import Wallet
from credits.money import Micros, amount_text, currency_of
from credits.take_back import unheld

RESEND_WITHIN = timedelta(hours=23)  # Stripe forgets a key after a day
NEVER_ARRIVED = "never_arrived"


def refund_top_up(
    top_up: TopUp,
    credit: Micros,
    *,
    client_key: str,
    reason: str,
    actor: User,
    at: datetime,
) -> Refund:
    """The refund, asked of Stripe; the credit is gone already. Amounts in micros."""
    with transaction.atomic():
        refund = ask_refund(
            top_up, credit, client_key=client_key, reason=reason, actor=actor, at=at
        )
    return finish_refund(refund.pk, at=at) if refund.is_open else refund


def ask_refund(
    top_up: TopUp,
    credit: Micros,
    *,
    client_key: str,
    reason: str,
    actor: User,
    at: datetime,
) -> Refund:
    """The row and its entries; the caller's transaction stands before Stripe is asked.

    Refused: more than is unspent, unexpired and unheld, less than a step of the
    currency, and any refund while the payment is disputed.
    """
    wallet = lock_wallet(top_up.organisation_id)
    sale = TopUp.objects.select_for_update().get(pk=top_up.pk)
    known = Refund.objects.filter(
        organisation=sale.organisation_id, client_key=client_key
    ).first()
    if known is not None:
        if (known.top_up_id, known.credit_micros) != (sale.pk, credit):
            raise ClientKeyReused
        return known
    check_reason(reason)
    _check(sale, credit, wallet, at)
    refund = Refund(
        organisation=sale.organisation,
        top_up=sale,
        credit=sold_money(credit, sale.currency),
        total=sold_money(_gross_for(sale, credit), sale.currency),
        reason=reason[:200],
        client_key=client_key,
        requested_by=actor,
        requested_at=at,
    )
    refund.full_clean()
    refund.save()
    settle_reversal(sale, refund, at=at, actor=actor)
    _note(refund, wallet, reason, actor, at)
    return refund


def finish_refund(refund_id: int, *, at: datetime) -> Refund:
    """Sends or asks, and acts on the answer; may be called any number of times.

    Raises PaymentsUnavailable where Stripe does not say; then nothing has changed.
    """
    refund = Refund.objects.select_related("top_up").get(pk=refund_id)
    if refund.top_up is None or not refund.stands:
        return refund
    Refund.objects.filter(pk=refund.pk).update(looked_at=at)
    try:
        seen = _ask_stripe(refund, refund.top_up.stripe_payment_intent_id, at)
    except RefundRefused as refused:
        return fail_refund(refund.pk, str(refused), at=at)
    if seen is None:
        return fail_refund(refund.pk, NEVER_ARRIVED, at=at)
    return apply_refund(refund.pk, seen, at=at)


def refundable(top_up: TopUp, at: datetime) -> Micros:
    """The credit that may be refunded now, in whole steps of the currency."""
    wallet = Wallet.objects.get(pk=top_up.organisation_id)
    return _refundable(top_up, wallet, at)


def _refundable(top_up: TopUp, wallet: Wallet, at: datetime) -> Micros:
    if not top_up.is_paid or has_open_dispute(top_up):
        return 0
    lots = read_live_lots([wallet.organisation_id], at=at)[wallet.organisation_id]
    mine = set(lots_of(top_up).values_list("pk", flat=True))
    left = top_up.credit_micros - credit_reversed(top_up)
    free = min(unheld(mine, lots, wallet, at), left)
    return whole_steps(free, top_up.currency)


def _check(top_up: TopUp, credit: Micros, wallet: Wallet, at: datetime) -> None:
    if has_open_dispute(top_up):
        raise DisputeOpen
    step = currency_of(top_up.currency).step
    if credit <= 0 or credit % step or credit > _refundable(top_up, wallet, at):
        raise MoreThanRefundable


def _gross_for(top_up: TopUp, credit: Micros) -> Micros:
    """What goes back for the credit, so that the formula gives exactly the credit."""
    step = currency_of(top_up.currency).step
    net = credit_reversed(top_up) + credit
    gross = gross_of(net, top_up.credit_micros, top_up.total_micros, step)
    return gross - sum(gross_reversed(top_up))


def _ask_stripe(refund: Refund, payment_id: str, at: datetime) -> SeenRefund | None:
    if refund.stripe_refund_id:
        return fetch_refund(refund.stripe_refund_id)
    if at < refund.requested_at + RESEND_WITHIN:
        return send_refund(refund, payment_id)
    mine = str(refund.pk)
    found = (
        one for one in list_refunds(payment_id) if one.metadata.get(REFUND) == mine
    )
    return next(found, None)


def _note(
    refund: Refund, wallet: Wallet, reason: str, actor: User, at: datetime
) -> None:
    before = wallet.ledger_balance
    record_audit(
        "refund_top_up",
        at=at,
        organisation=refund.organisation,
        actor=actor,
        object=refund.reference,
        reason=reason,
        before={"balance": amount_text(before)},
        after={
            "balance": amount_text(before - refund.credit_micros),
            "total": str(refund.total),
        },
    )

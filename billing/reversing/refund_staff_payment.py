"""Money of a bank transfer is sent back by staff, at the bank (rules 4.6 and 4.7).

Asked for, the credit leaves the payment's lot and staff have a task; sent, its bank
reference is recorded and the customer told. What could not be sent gives the credit
back, as a failed refund of a card does. Locks the wallet, then the sale.
"""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.audit import record_audit
from accounts.models import NoticeKind, User
from accounts.notify import owe_notice
from accounts.staff_tasks import raise_staff_task
from billing.models import Refund, RefundState, StaffPayment
from billing.models.fields import sold_money
from billing.reasons import check_reason
from billing.refusals import ClientKeyReused, MoreThanRefundable
from billing.reversing.reverse import gross_of, whole_steps
from billing.reversing.sale_lots import lots_of
from credits.lock import lock_wallet
from credits.lots import read_live_lots
from credits.models import EntryKind, Wallet
from credits.money import Micros, currency_of
from credits.reverse import reverse_event
from credits.take_back import take_back, unheld

SEND_BACK = "send_money_back"


def refund_staff_payment(
    payment: StaffPayment,
    credit: Micros,
    *,
    bank_reference: str,
    client_key: str,
    reason: str,
    actor: User,
    at: datetime,
) -> Refund:
    """Records money that was sent back already; amounts in micros."""
    with transaction.atomic():
        refund = ask_staff_refund(
            payment, credit, client_key=client_key, reason=reason, actor=actor, at=at
        )
        return record_money_sent(
            refund, bank_reference=bank_reference, actor=actor, at=at
        )


def ask_staff_refund(
    payment: StaffPayment,
    credit: Micros,
    *,
    client_key: str,
    reason: str,
    actor: User,
    at: datetime,
) -> Refund:
    """The row and its entry; the money is still to be sent."""
    with transaction.atomic():
        wallet = lock_wallet(payment.organisation_id)
        sale = StaffPayment.objects.select_for_update().get(pk=payment.pk)
        known = sale.organisation.refunds.filter(client_key=client_key).first()
        if known is not None:
            if (known.staff_payment_id, known.credit_micros) != (sale.pk, credit):
                raise ClientKeyReused
            return known
        check_reason(reason)
        most = _refundable(sale, wallet, at)
        if not 0 < credit <= most or credit % currency_of(sale.currency).step:
            raise MoreThanRefundable
        refund = Refund.objects.create(
            organisation=sale.organisation,
            staff_payment=sale,
            credit=sold_money(credit, sale.currency),
            total=sold_money(_gross(sale, credit), sale.currency),
            reason=reason[:200],
            client_key=client_key,
            requested_by=actor,
            requested_at=at,
        )
        _take(refund, sale, actor=actor, at=at)
    return refund


def record_money_sent(
    refund: Refund, *, bank_reference: str, actor: User, at: datetime
) -> Refund:
    """The bank transfer was made; recorded before, nothing happens."""
    if not bank_reference.strip():
        raise ValidationError(
            {"bank_reference": _("Enter the bank reference of the transfer.")}
        )
    with transaction.atomic():
        found, sale = _lock(refund)
        if found.state != RefundState.REQUESTED:
            return found
        found.state, found.ended_at = RefundState.SUCCEEDED, at
        found.bank_reference = bank_reference.strip()
        found.save()
        _note("record_money_sent", found, actor, found.bank_reference, at)
        owe_notice(
            NoticeKind.REFUND_DONE,
            organisation=found.organisation,
            episode=found.reference,
            context={
                "amount": found.total_micros,
                "credit": found.credit_micros,
                "currency": found.currency,
                "receipt": sale.receipt_number or sale.bank_reference,
                "bank_reference": found.bank_reference,
                "path": reverse("credits"),
            },
            at=at,
        )
    return found


def give_up_money_sent(
    refund: Refund, *, reason: str, actor: User, at: datetime
) -> Refund:
    """The transfer cannot be made: the credit is back."""
    with transaction.atomic():
        found, _sale = _lock(refund)
        if found.state != RefundState.REQUESTED:
            return found
        check_reason(reason)
        found.state, found.ended_at = RefundState.FAILED, at
        found.failure_code = "given_up"
        found.save()
        kinds = [EntryKind.REFUND.value]
        event = f"{found.reference}#1"
        reverse_event(found.organisation_id, event, kinds=kinds, at=at)
        _note("give_up_refund", found, actor, reason, at)
    return found


def refundable_staff_payment(payment: StaffPayment, at: datetime) -> Micros:
    """The credit whose money may be sent back now."""
    return _refundable(payment, Wallet.objects.get(pk=payment.organisation_id), at)


def _refundable(payment: StaffPayment, wallet: Wallet, at: datetime) -> Micros:
    lots = read_live_lots([wallet.organisation_id], at=at)[wallet.organisation_id]
    mine = set(lots_of(payment).values_list("pk", flat=True))
    return whole_steps(unheld(mine, lots, wallet, at), payment.currency)


def _gross(sale: StaffPayment, credit: Micros) -> Micros:
    """What is sent back for a credit: with what was before, its share of the total."""
    step, whole = currency_of(sale.currency).step, sale.amount_micros
    before = [refund for refund in sale.refunds.all() if refund.stands]
    credit += sum(refund.credit_micros for refund in before)
    gross = gross_of(credit, sale.credit_micros, whole, step)
    return gross - sum(refund.total_micros for refund in before)


def _take(refund: Refund, sale: StaffPayment, *, actor: User, at: datetime) -> None:
    take_back(
        sale.organisation_id,
        list(lots_of(sale).values_list("pk", flat=True)),
        refund.credit_micros,
        kind=EntryKind.REFUND,
        reference=f"{refund.reference}#1",
        event_at=at,
        at=at,
        note=sale.receipt_number,
        actor=actor,
    )
    raise_staff_task(
        SEND_BACK,
        reference=refund.reference,
        detail=f"Send {refund.total} of {sale.bank_reference} back by bank transfer.",
        organisation=sale.organisation,
        at=at,
    )
    _note("refund_staff_payment", refund, actor, refund.reason, at)


def _lock(refund: Refund) -> tuple[Refund, StaffPayment]:
    lock_wallet(refund.organisation_id)
    sale = StaffPayment.objects.select_for_update().get(refunds=refund.pk)
    return Refund.objects.select_for_update().get(pk=refund.pk), sale


def _note(verb: str, refund: Refund, actor: User, reason: str, at: datetime) -> None:
    record_audit(
        verb,
        at=at,
        organisation=refund.organisation,
        actor=actor,
        object=refund.reference,
        reason=reason,
        after={"credit": str(refund.credit), "state": refund.state},
    )

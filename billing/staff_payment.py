"""Staff record a bank transfer or purchase order, and its credit is there (rule 4.6).

The sale row comes first and is judged by the same rule as a top-up: an NCE organisation
cannot buy (rule 2.1). A bank reference is recorded once. One transaction, which locks
the wallet, writes the sale with its receipt, its lot, the audit event and the message.
"""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.audit import record_audit
from accounts.models import NoticeKind, Organisation, User
from accounts.notify import owe_notice
from billing.documents.ask_receipt import ask_receipt
from billing.models import StaffPayment, StaffPaymentKind, TransferAnnouncement
from billing.models.fields import sold_money
from billing.numbers import take_receipt_number
from billing.reasons import check_reason
from billing.refusals import judge_sale, selling
from billing.tax_rates import read_tax, tax_within
from credits.issue import issue_lot
from credits.lock import lock_wallet
from credits.models import Lot, LotKind
from credits.money import Micros, amount_text, currency_of

LONGEST_ORDER = 50  # characters of an order's number on the receipt


def record_staff_payment(
    organisation: Organisation,
    amount: Micros,
    *,
    bank_reference: str,
    recorded_by: User,
    note: str,
    at: datetime,
    kind: StaffPaymentKind = StaffPaymentKind.TRANSFER,
    purchase_order: str = "",
    announcement: TransferAnnouncement | None = None,
) -> StaffPayment:
    """The payment with its lot; a ValidationError names what cannot be recorded.

    `amount` is what arrived in micros, tax included (rule 10.4).

    `announcement` is where the sale began, before a move to NCE perhaps (rule 2.2).

    Of a payment on a purchase order the reference is the order's number.
    """
    bank_reference = bank_reference.strip()
    if kind == StaffPaymentKind.PURCHASE_ORDER:
        purchase_order = purchase_order or bank_reference[:LONGEST_ORDER]
    with selling(), transaction.atomic():
        wallet = lock_wallet(organisation.pk)
        before = wallet.ledger_balance
        # Read again: the mode of the row at hand may be old.
        buyer = Organisation.objects.get(pk=organisation.pk)
        tax = read_tax(buyer.country, buyer.local_day(at))
        payment = StaffPayment(
            organisation=buyer,
            kind=kind,
            bank_reference=bank_reference,
            amount=sold_money(amount, wallet.currency),
            tax=sold_money(tax_within(amount, tax, wallet.currency), wallet.currency),
            tax_percent=tax.percent,
            recorded_by=recorded_by,
            recorded_at=at,
            note=note,
            purchase_order=purchase_order.strip(),
            announcement=announcement,
        )
        judge_sale(payment)
        _check_step(amount, wallet.currency)
        check_reason(note)
        payment.full_clean()
        payment.receipt_number = take_receipt_number(payment.organisation, at=at)
        payment.save()
        _deliver(payment, before=before, at=at)
    return payment


def _check_step(amount: Micros, currency: str) -> None:
    if amount % currency_of(currency).step:
        raise ValidationError(
            {
                "amount": ValidationError(
                    _("This is finer than the currency's smallest step."),
                    "finer_than_step",
                )
            }
        )


def _deliver(payment: StaffPayment, *, before: Micros, at: datetime) -> None:
    lot = issue_lot(
        payment.organisation,
        kind=LotKind.STAFF_PAYMENT,
        amount=payment.credit_micros,
        reference=payment.reference,
        sale_id=payment.pk,
        is_taxed=payment.is_taxed,
        actor=payment.recorded_by,
        at=at,
    )
    record_audit(
        "record_staff_payment",
        at=at,
        organisation=payment.organisation,
        actor=payment.recorded_by,
        object=payment.reference,
        reason=payment.note,
        before={"balance": amount_text(before)},
        after={
            "balance": amount_text(before + payment.credit_micros),
            "bank_reference": payment.bank_reference,
            "receipt": payment.receipt_number,
        },
    )
    _tell(payment, lot, at=at)


def _tell(payment: StaffPayment, lot: Lot, *, at: datetime) -> None:
    ask_receipt(payment)
    has_arrived = payment.kind == StaffPaymentKind.TRANSFER
    owe_notice(
        NoticeKind.TRANSFER_RECEIVED if has_arrived else NoticeKind.RECEIPT,
        organisation=payment.organisation,
        episode=payment.reference,
        context={
            "amount": payment.amount_micros,
            "currency": payment.currency,
            "receipt": payment.receipt_number,
            "reference": payment.bank_reference,
            "purchase_order": payment.purchase_order,
            "paid_at": at.isoformat(),
            "expires_at": lot.expires_at.isoformat(),
            "path": payment.get_absolute_url(),
        },
        at=at,
    )

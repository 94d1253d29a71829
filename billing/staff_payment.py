"""Staff record a bank transfer or purchase order, and its credit is there (rule 4.6).

The sale row comes first and is judged by the same rule as a top-up: an NCE organisation
cannot buy (rule 2.1). A bank reference is recorded once. One transaction, which locks
the wallet, writes the sale, its lot and the audit event.
"""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.audit import record_audit
from accounts.models import Organisation, User
from billing.models import StaffPayment, StaffPaymentKind
from billing.models.fields import sold_money
from billing.reasons import check_reason
from billing.refusals import judge_sale, selling
from credits.issue import issue_lot
from credits.lock import lock_wallet
from credits.models import LotKind
from credits.money import Micros, amount_text, currency_of


def record_staff_payment(
    organisation: Organisation,
    amount: Micros,
    *,
    bank_reference: str,
    recorded_by: User,
    note: str,
    at: datetime,
    kind: StaffPaymentKind = StaffPaymentKind.TRANSFER,
) -> StaffPayment:
    """The payment with its lot; a ValidationError names what cannot be recorded."""
    with selling(), transaction.atomic():
        wallet = lock_wallet(organisation.pk)
        before = wallet.ledger_balance
        payment = StaffPayment(
            # Read again: the mode of the row at hand may be old.
            organisation=Organisation.objects.get(pk=organisation.pk),
            kind=kind,
            bank_reference=bank_reference.strip(),
            amount=sold_money(amount, wallet.currency),
            recorded_by=recorded_by,
            recorded_at=at,
            note=note,
        )
        judge_sale(payment)
        _check_step(amount, wallet.currency)
        check_reason(note)
        payment.full_clean()
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
    issue_lot(
        payment.organisation,
        kind=LotKind.STAFF_PAYMENT,
        amount=payment.amount_micros,
        reference=payment.reference,
        sale_id=payment.pk,
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
            "balance": amount_text(before + payment.amount_micros),
            "bank_reference": payment.bank_reference,
        },
    )

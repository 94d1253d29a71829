"""Staff give promotional credit, with a reason and an end (rules 2.1 and 3.8).

Refused to NCE organisations by the verb that issues and by the database: goodwill there
is a negative invoice line. The same token gives once, however often it is sent. One
transaction, which locks the wallet, writes the lot, the audit event and the message.
"""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.audit import record_audit
from accounts.models import Organisation, User
from accounts.tell_deed import tell_deed
from billing.reasons import check_reason
from billing.refusals import OrganisationClosed
from credits.issue import issue_lot
from credits.lock import lock_wallet
from credits.models import Lot, LotKind
from credits.money import Micros, amount_text, currency_of


def grant_promotional_credit(
    organisation: Organisation,
    amount: Micros,
    *,
    months: int,
    reason: str,
    actor: User,
    token: str,
    at: datetime,
) -> Lot:
    """The lot given, or the one this token gave before."""
    reference = f"promotional:{token}"
    with transaction.atomic():
        wallet = lock_wallet(organisation.pk)
        known = organisation.lots.filter(reference=reference).first()
        if known is not None:
            return known
        if not Organisation.objects.filter(pk=organisation.pk, closed_at=None).exists():
            raise OrganisationClosed
        check_reason(reason)
        _check_amount(amount, wallet.currency)
        lot = issue_lot(
            organisation,
            kind=LotKind.PROMOTIONAL,
            amount=amount,
            months=months,
            reference=reference,
            actor=actor,
            at=at,
        )
        _note(lot, wallet.ledger_balance, actor=actor, reason=reason, at=at)
    return lot


def _note(lot: Lot, before: Micros, *, actor: User, reason: str, at: datetime) -> None:
    """The audit event, and the message to the owners."""
    record_audit(
        "grant_promotional_credit",
        at=at,
        organisation=lot.organisation,
        actor=actor,
        object=f"lot:{lot.pk}",
        reason=reason,
        before={"balance": amount_text(before)},
        after={
            "balance": amount_text(before + lot.original),
            "expires_at": lot.expires_at.isoformat(),
        },
    )
    tell_deed(
        "credit_given",
        lot.organisation,
        reference=lot.reference,
        actor=actor,
        reason=reason,
        at=at,
        amount=lot.original,
    )


def _check_amount(amount: Micros, currency: str) -> None:
    if amount <= 0 or amount % currency_of(currency).step:
        raise ValidationError(
            {
                "amount": ValidationError(
                    _("Enter an amount above zero, in whole steps of the currency."),
                    "amount_not_valid",
                )
            }
        )

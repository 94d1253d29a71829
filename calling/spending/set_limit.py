"""An organisation that is billed after use limits what it spends in a month (10.4).

The limit counts what is billed after use, not what leftover credits or plans pay. A
hard one stops paid calls, a soft one only warns (`tell_spending`). Both verbs lock the
wallet first; before and after are kept in the audit trail, and a second click changes
nothing.
"""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.audit import record_audit
from accounts.models import Organisation, User
from calling.models import SpendingLimit
from calling.refusals import NotBilledAfterUse
from credits.lock import lock_wallet
from credits.money import Micros, amount_text, currency_of


def set_spending_limit(
    organisation: Organisation,
    amount: Micros,
    *,
    is_hard: bool,
    at: datetime,
    actor: User | None = None,
    ip: str | None = None,
    reason: str = "",
) -> SpendingLimit:
    """The limit as it stands; `amount` is micros a month, in whole steps.

    Raises NotBilledAfterUse for a prepaid organisation and a ValidationError for an
    amount that is no limit. Whoever changes it is warned anew at 50, 80 and 100 %.
    """
    check_limit(amount, organisation.currency)
    with transaction.atomic():
        lock_wallet(organisation.pk)
        organisation.refresh_from_db(fields=["billing_mode"])
        if organisation.buys_credits:
            raise NotBilledAfterUse
        known = SpendingLimit.objects.filter(organisation=organisation).first()
        if known is not None and (known.amount, known.is_hard) == (amount, is_hard):
            return known
        limit = known or SpendingLimit(organisation=organisation)
        before = _said(known) if known is not None else None
        limit.amount, limit.is_hard, limit.changed_at = amount, is_hard, at
        limit.told_month, limit.told_percent = None, 0
        limit.save()
        record_audit(
            "set_spending_limit",
            at=at,
            organisation=organisation,
            actor=actor,
            object=f"spending-limit:{organisation.slug}",
            reason=reason,
            before=before,
            after=_said(limit),
            ip=ip,
        )
    return limit


def remove_spending_limit(
    organisation: Organisation,
    *,
    at: datetime,
    actor: User | None = None,
    ip: str | None = None,
    reason: str = "",
) -> None:
    """Calls are billed without a limit from now on."""
    with transaction.atomic():
        lock_wallet(organisation.pk)
        limit = SpendingLimit.objects.filter(organisation=organisation).first()
        if limit is None:
            return
        record_audit(
            "remove_spending_limit",
            at=at,
            organisation=organisation,
            actor=actor,
            object=f"spending-limit:{organisation.slug}",
            reason=reason,
            before=_said(limit),
            ip=ip,
        )
        limit.delete()


def check_limit(amount: Micros, currency: str) -> None:
    """Refuses an amount that is no limit, with a ValidationError about `amount`."""
    if amount <= 0:
        raise _refused("spending_limit_positive", _("A limit is more than nothing."))
    if amount % currency_of(currency).step:
        sentence = _("This is finer than the currency's smallest step.")
        raise _refused("finer_than_step", sentence)


def _refused(code: str, sentence: object) -> ValidationError:
    return ValidationError({"amount": ValidationError(str(sentence), code)})


def _said(limit: SpendingLimit) -> dict[str, object]:
    return {"amount": amount_text(limit.amount), "stops_calls": limit.is_hard}

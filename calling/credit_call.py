"""Staff give back what a call cost, in part or in whole, once (rule 3.9).

The money returns to the lots the call drew from; what the plan's minutes paid costs
nothing and returns nothing. Refused to NCE organisations, as is every way to give them
credit (rule 2.1): goodwill there is a negative invoice line. Locks the wallet; the
reason goes into the audit trail and to the owners.
"""

from datetime import datetime

from django.db import transaction

from accounts.audit import record_audit
from accounts.models import Organisation, User
from accounts.tell_deed import tell_deed
from calling.call import call_reference
from calling.models import CallRecord
from calling.refusals import CallOfClosedOrganisation
from credits.credit_drawn import credit_drawn, creditable
from credits.lock import lock_wallet
from credits.models import Wallet
from credits.money import Micros, amount_text
from credits.refusals import CreditsNotHeld


def creditable_call(call: CallRecord, at: datetime) -> Micros:
    """How much of the call can be given back at most."""
    wallet = Wallet.objects.get(pk=call.organisation_id)
    return creditable(wallet, call_reference(call.pk, call.revision), at=at)


def judge_organisation(organisation: Organisation) -> None:
    """Raises unless calls of this organisation can be credited."""
    if not organisation.buys_credits:
        raise CreditsNotHeld
    if organisation.closed_at is not None:
        raise CallOfClosedOrganisation


def credit_call(
    call: CallRecord, amount: Micros, *, reason: str, actor: User, at: datetime
) -> None:
    """Gives back `amount` of the call as its newest revision was charged."""
    with transaction.atomic():
        wallet = lock_wallet(call.organisation_id)
        organisation = Organisation.objects.get(pk=wallet.organisation_id)
        judge_organisation(organisation)
        now = CallRecord.objects.get(pk=call.pk, organisation=organisation)
        reference = call_reference(now.pk, now.revision)
        before = wallet.ledger_balance
        credit_drawn(
            wallet, reference, amount, note=reason[:200], actor_id=actor.pk, at=at
        )
        record_audit(
            "credit_call",
            at=at,
            organisation=organisation,
            actor=actor,
            object=reference,
            reason=reason,
            before={"balance": amount_text(before)},
            after={"balance": amount_text(wallet.ledger_balance)},
        )
        tell_deed(
            "call_credited",
            organisation,
            reference=reference,
            actor=actor,
            reason=reason,
            at=at,
            amount=amount,
        )

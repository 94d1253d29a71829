"""Staff release a hold that is stuck: past its deadline, and no record came (rule 9.4).

The sweep does the same by itself within minutes; this is for when it does not. Never
billed. Locks the wallet; the reason stays in the audit trail.
"""

from datetime import datetime

from django.db import transaction

from accounts.audit import record_audit
from accounts.models import User
from calling.end_holds import end_holds
from calling.refusals import HoldNotStuck
from credits.lock import lock_wallet
from credits.models import Hold, HoldState
from credits.money import amount_text
from credits.refresh import refresh_wallets


def release_stuck(hold: Hold, *, reason: str, actor: User, at: datetime) -> None:
    """Raises HoldNotStuck for a call that may still go on, or is over."""
    with transaction.atomic():
        wallet = lock_wallet(hold.organisation_id)
        wallets = {wallet.organisation_id: wallet}
        stuck = Hold.objects.filter(pk=hold.pk, deadline_at__lte=at)
        if not end_holds(wallets, stuck, HoldState.RELEASED, at=at):
            raise HoldNotStuck
        refresh_wallets([wallet], cause="expiry")
        record_audit(
            "release_hold",
            at=at,
            organisation=hold.organisation,
            actor=actor,
            object=f"hold {hold.pk}",
            reason=reason,
            before={"state": HoldState.OPEN, "amount": amount_text(hold.amount)},
            after={"state": HoldState.RELEASED},
        )

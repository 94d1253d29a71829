"""The kill switch for everybody: nothing is recharged until it is lifted (rule 5.4).

Staff throw it and take it back, without a deploy. What was sent is still gone on with:
it is looked for and credited, but nothing is sent again.
"""

from datetime import datetime

from django.db import transaction

from accounts.audit import record_audit
from accounts.models import User
from billing.models import RechargeStop


def stop_all_recharges(reason: str, *, actor: User, at: datetime) -> RechargeStop:
    """The stop in force, made now unless there is one."""
    with transaction.atomic():
        stop = RechargeStop.in_force()
        if stop is None:
            stop = RechargeStop.objects.create(
                reason=reason[:200], stopped_at=at, stopped_by=actor
            )
            record_audit(
                "stop_all_recharges",
                at=at,
                actor=actor,
                object=f"recharge-stop:{stop.pk}",
                reason=reason,
            )
    return stop


def lift_recharge_stop(reason: str, *, actor: User, at: datetime) -> int:
    """Lifts whatever stop is in force; how many there were."""
    with transaction.atomic():
        lifted = RechargeStop.objects.filter(lifted_at=None).update(
            lifted_at=at, lifted_by=actor
        )
        if lifted:
            record_audit("lift_recharge_stop", at=at, actor=actor, reason=reason)
    return lifted

"""Reads what was recharged before, for limits and for what pages show."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta

from billing.models import AttemptState, RechargeAttempt
from billing.models.fields import micros_stored
from billing.recharging.recharge_caps import Past

# A calendar month and a bit: its first moment lies east or west of ours.
LOOK_BACK = timedelta(days=33)
NOT_CHARGED = (AttemptState.FAILED, AttemptState.CANCELLED)


def read_past(
    organisation_ids: Collection[int], *, at: datetime
) -> dict[int, list[Past]]:
    """By organisation what was claimed lately; what was never sent counts nowhere."""
    found: dict[int, list[Past]] = defaultdict(list)
    claimed = RechargeAttempt.objects.filter(
        organisation__among=set(organisation_ids), started_at__gt=at - LOOK_BACK
    ).exclude(state=AttemptState.CANCELLED)
    for organisation_id, started_at, state, credit in claimed.order_by().values_list(
        "organisation_id", "started_at", "state", "top_up__credit"
    ):
        charged = 0 if state in NOT_CHARGED else micros_stored(credit)
        found[organisation_id].append(Past(started_at, charged))
    return found

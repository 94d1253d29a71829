"""How auto-recharge is played in a forecast: as it is set, while it would fire."""

from billing.recharging.recharge_caps import MOST_A_DAY
from billing.recharging.recharge_state import RechargeState, RechargeStatus
from credits.forecast import Refills

# Declined, paused or waiting for its owner, it adds nothing that can be counted on.
COUNTED_ON = (RechargeState.ARMED, RechargeState.CHARGING, RechargeState.CAPPED)


def refills_of(status: RechargeStatus | None) -> Refills | None:
    """None where nothing is added by itself; amounts in micros of the wallet."""
    if status is None or status.row is None or status.state not in COUNTED_ON:
        return None
    return Refills(
        trigger=status.trigger,
        amount=status.amount,
        monthly_limit=status.monthly_limit,
        most_a_day=MOST_A_DAY,
        spent=status.spent_this_month,
        incoming=status.incoming,
        catches_up=status.row.catches_up,
    )

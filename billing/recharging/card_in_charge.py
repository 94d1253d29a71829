"""Which of the two cards a recharge is charged on (rule 5.5).

Pure. The recharge that its card refuses for good goes to the backup once; what comes
after, while that card is paused, is begun on the backup, so nobody has to act. A pause
after declines that might pass, or while a dispute is open, leaves it to a person.
"""

from datetime import date

from billing.models import AutoRecharge, PaymentMethod
from billing.recharging.decline_classes import is_hard


def card_in_charge(row: AutoRecharge, today: date) -> PaymentMethod:
    """The card that the next recharge is charged on, if it is charged at all."""
    code = row.payment_method.suspended_code
    return stand_in(code, row.backup, today) or row.payment_method


def stand_in(
    paused_because: str, backup: PaymentMethod | None, today: date
) -> PaymentMethod | None:
    """The backup, where the first card was refused for good and it may be charged."""
    if backup is None or not is_hard(paused_because):
        return None
    return backup if backup.may_be_charged(today) else None

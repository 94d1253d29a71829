"""Which settings fit an organisation's usage, and why: a reading, nothing is stored."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from accounts.models import Organisation
from billing.activity import read_days_of_calls
from billing.models import TopUpTerms
from credits.display import money_text
from credits.forecast import pace_of
from credits.money import MICROS_PER_UNIT, Micros

DAYS_OF_TRIGGER, DAYS_OF_AMOUNT = 7, 30  # a week's notice, a month's funds
TIMES_A_MONTH = 2  # the limit leaves room for a month twice as busy
ROUND = (10, 15, 20, 25, 30, 40, 50, 60, 80, 100)  # tenths of a power of ten


@dataclass(frozen=True)
class Suggestion:
    """Amounts in micros, and the sentence that says where they come from."""

    trigger: Micros
    amount: Micros
    monthly_limit: Micros
    reason: str


def suggest_recharge(
    organisation: Organisation, terms: TopUpTerms, *, at: datetime
) -> Suggestion:
    """Within the terms of sale; from what a usual day costs, where that is known."""
    today = organisation.local_day(at)
    days = read_days_of_calls(organisation, today=today)
    pace = pace_of(
        {day: calls.amount for day, calls in days.items()},
        since=organisation.local_day(organisation.opened_at),
        today=today,
    )
    a_day = pace.average if pace.is_known else 0
    least, most = terms.minimum_micros, terms.maximum_micros
    amount = min(max(round_up(a_day * DAYS_OF_AMOUNT), least), most)
    trigger = min(max(round_up(a_day * DAYS_OF_TRIGGER), least), amount)
    return Suggestion(
        trigger=trigger,
        amount=amount,
        monthly_limit=amount * TIMES_A_MONTH,
        reason=_reason(a_day, trigger, amount, terms.currency),
    )


def round_up(amount: Micros) -> Micros:
    """The next amount that reads as round: 231 → 250, 990 → 1,000."""
    if amount <= 0:
        return 0
    power = MICROS_PER_UNIT
    while power * 10 < amount:
        power *= 10
    return next(
        power * tenths // 10 for tenths in ROUND if power * tenths // 10 >= amount
    )


def _reason(a_day: Micros, trigger: Micros, amount: Micros, currency: str) -> str:
    if not a_day:
        return _(
            "There is not enough usage yet to know your pace, so these are the "
            "smallest amounts. Change them once you know."
        )
    return _(
        "You use about %(pace)s a day: %(trigger)s lasts about %(trigger_days)s days, "
        "%(amount)s about %(amount_days)s."
    ) % {
        "pace": money_text(a_day, currency),
        "trigger": money_text(trigger, currency),
        "trigger_days": trigger // a_day,
        "amount": money_text(amount, currency),
        "amount_days": amount // a_day,
    }

"""Who would pay for a call at a rate: the plan's minutes, credits, or the next bill.

A plain read for the price list; the quote reckons with the minutes that are left.
"""

from collections.abc import Sequence
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from calling.kinds import CONFERENCE_OUT, TOLL_FREE_IN, kind_by_number
from calling.line_facts import LineFacts, read_lines
from calling.models import Line, NumberType, Purpose
from calling.pool_keys import bucket_of
from calling.rate import RateView

NOT_OFFERED = _("Not offered")
FREE = _("Free")
PLAN = _("Plan minutes")
CREDITS = _("Credits")
AFTER_USE = _("Billed after use")
_KINDS = {
    Purpose.CONFERENCE.value: CONFERENCE_OUT,
    Purpose.TOLL_FREE_IN.value: TOLL_FREE_IN,
}


class WhoPays:
    """Answers for one organisation and one of its lines, without further queries."""

    def __init__(
        self, organisation: Organisation, line: Line | None, *, at: datetime
    ) -> None:
        self.organisation = organisation
        self.facts = _facts(organisation, line)
        self.at = at

    def payers(self, rate: RateView, purpose: str) -> Sequence[str | Promise]:
        """In the order in which they pay."""
        if rate.is_blocked:
            return [NOT_OFFERED]
        if rate.number_type == NumberType.TOLLFREE and not rate.rate_per_minute:
            return [FREE]
        rest = CREDITS if self.organisation.buys_credits else AFTER_USE
        return [PLAN, rest] if self._is_covered(rate, purpose) else [rest]

    def _is_covered(self, rate: RateView, purpose: str) -> bool:
        line = self.facts
        if line is None:
            return False
        number, country = f"+{rate.prefix}", line.usage_country
        kind = _KINDS.get(purpose) or kind_by_number(number, country, rate.number_type)
        bucket = bucket_of(kind, number)
        return any(
            plan.bucket == bucket and plan.covers(country)
            for plan in line.plans
            if plan.holds(self.at) and plan.minutes
        )


def _facts(organisation: Organisation, line: Line | None) -> LineFacts | None:
    if line is None:
        return None
    return read_lines([organisation.pk], [], [line.pk]).by_id.get(line.pk)

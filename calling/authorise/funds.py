"""What money a call may use at most, by each limit; its wallet is locked (rule 9.1)."""

from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import F, Sum

from calling.authorise import codes
from calling.authorise.judge_question import Judged
from calling.models import LineMonth, UsageDay
from credits.models import Wallet
from credits.money import Micros


class Cap(NamedTuple):
    """The most that may be spent on the call, and the code when that is too little."""

    code: str
    money: Micros


@dataclass(frozen=True)
class Funds:
    """All caps, in the order in which they are told of; `available` in micros."""

    caps: list[Cap]
    available: Micros

    @property
    def money(self) -> Micros | None:
        """None where nothing limits it: on NCE without a spending limit."""
        return min((cap.money for cap in self.caps), default=None)

    def why_not(self, least: Micros) -> str:
        """The first cap that a cost of so much does not pass."""
        for cap in self.caps:
            if cap.money <= 0 or cap.money < least:
                return cap.code
        return codes.NO_FUNDING


def read_funds(
    judged: Judged,
    wallet: Wallet,
    line_month: LineMonth | None,
    *,
    held: Micros = 0,
) -> Funds:
    """The caps at this moment. `held` is what the call itself has set aside already."""
    reserved = wallet.reserved - held
    balance = wallet.credit - wallet.lapsed - wallet.debt
    caps = []
    if judged.no_money:
        caps.append(Cap(judged.no_money, 0))
    limits = judged.limits
    if limits.call_cost is not None:
        caps.append(Cap(codes.TOO_DEAR, limits.call_cost))
    if limits.daily_spend is not None:
        left = limits.daily_spend - _spent_today(judged) - reserved
        caps.append(Cap(codes.DAILY_LIMIT, left))
    if line_month is not None and judged.line_limit is not None:
        used = line_month.spent + line_month.reserved - held
        caps.append(Cap(codes.LINE_LIMIT, judged.line_limit - used))
    if not judged.call.is_postpaid:
        caps.append(Cap(codes.NO_FUNDING, balance - reserved))
    elif judged.organisation.spending_limit is not None:
        left = judged.organisation.spending_limit - _postpaid_this_month(judged)
        caps.append(Cap(codes.NO_FUNDING, left + balance - reserved))
    return Funds(caps, balance - reserved)


def _spent_today(judged: Judged) -> Micros:
    call = judged.call
    rows = UsageDay.objects.filter(
        organisation=call.organisation_id, day=call.local_day
    )
    return _sum(rows.aggregate(sum=Sum(F("amount") - F("pool_amount")))["sum"])


def _postpaid_this_month(judged: Judged) -> Micros:
    call = judged.call
    rows = UsageDay.objects.filter(
        organisation=call.organisation_id,
        day__gte=call.local_day.replace(day=1),
        day__lte=call.local_day,
    )
    return _sum(rows.aggregate(sum=Sum("postpaid_amount"))["sum"])


def _sum(found: int | None) -> Micros:
    return int(found or 0)

"""Last month's calls at new prices: what they would have cost, and which have no rate.

A plain read for whoever decides on a price list. Every call is priced by the function
that charges, at the prices as they will be; free calls stay free.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import F

from calling.classify import find_rate, price_call
from calling.decks.record import RateIn
from calling.models import Charge, RateCard
from calling.rate_table import Period, RateTable
from calling.write_rates import view_of
from credits.money import Micros

A_MONTH = timedelta(days=30)
MOST_CALLS = 200_000
MOST_GAPS = 20


@dataclass
class RepricedTraffic:
    """The calls that this card priced since a moment, then and at the new prices."""

    since: datetime
    calls: int = 0
    cost: Micros = 0
    new_cost: Micros = 0
    uncovered: int = 0
    gaps: list[tuple[str, int]] = field(default_factory=list)
    is_part: bool = False


def reprice_traffic(
    card: RateCard, rates: Mapping[str, RateIn], *, at: datetime, valid_from: datetime
) -> RepricedTraffic:
    """The newest calls of the last thirty days, at most 200,000 of them."""
    found = RepricedTraffic(since=at - A_MONTH)
    calls = _calls(card, found.since)
    called = _of_numbers(rates, {callee for callee, *_ in calls})
    table = RateTable(0, map(view_of, called.values()), _periods(called))
    gaps: Counter[str] = Counter()
    for callee, seconds, amount, billed, per_minute in calls:
        if found.calls == MOST_CALLS:
            found.is_part = True
            break
        found.calls += 1
        found.cost += amount
        if billed == 0 and per_minute:
            continue  # the switch said that it was free
        rate = find_rate(table, callee, valid_from)
        if rate is None or rate.is_blocked:
            found.uncovered += 1
            gaps[callee[:5]] += 1
        else:
            found.new_cost += price_call(rate, seconds).amount
    found.gaps = gaps.most_common(MOST_GAPS)
    return found


def _calls(card: RateCard, since: datetime) -> list[tuple[str, int, Micros, int, int]]:
    if card._state.adding:
        return []
    charges = Charge.objects.filter(
        call_record__started_at__gte=since,
        revision=F("call_record__revision"),
        rate_card_version__card__purpose=card.purpose,
    )
    mine = (
        charges.filter(organisation=card.organisation_id)
        if card.organisation_id is not None
        else charges.filter(rate_card_version__card=card)
    )
    return list(
        mine.order_by("-id").values_list(
            "call_record__callee",
            "call_record__billable_seconds",
            "rated_amount",
            "billed_seconds",
            "rate_per_minute",
        )[: MOST_CALLS + 1]
    )


def _of_numbers(
    rates: Mapping[str, RateIn], numbers: Iterable[str]
) -> dict[str, RateIn]:
    """The rates that one of the numbers begins with; no other can price it."""
    prefixes = {
        number[1:end] for number in numbers for end in range(2, len(number) + 1)
    }
    return {prefix: rates[prefix] for prefix in prefixes if prefix in rates}


def _periods(rates: Mapping[str, RateIn]) -> dict[str, Period]:
    return {
        prefix: Period(None, rate.valid_to, rate.longest_number)
        for prefix, rate in rates.items()
        if rate.valid_to is not None or rate.longest_number is not None
    }

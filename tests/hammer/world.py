"""A small world for processes: who calls, from what they pay, and what they say."""

import random
from datetime import datetime, timedelta
from typing import Any

from accounts.models import Organisation
from calling.models import Bucket, Source
from tests.calling.telephony import (
    give_credit,
    give_plan,
    make_card,
    make_line,
    make_source,
)
from tests.makers import make_organisation

CALLEES = ("+8190", "+8134", "+4420", "+8864")
Told = dict[str, Any]


def make_caller(number: str, *lots: str, at: datetime) -> Organisation:
    """An organisation with one line, a few plan minutes and these lots."""
    organisation = make_organisation(at=at - timedelta(days=40))
    line = make_line(organisation)
    line.numbers.create(
        organisation=organisation, number=number, starts_at=at - timedelta(days=40)
    )
    give_plan(line, {Bucket.INTERNATIONAL: 20}, at=at - timedelta(days=40))
    for units in lots:
        give_credit(organisation, units, at=at - timedelta(days=20))
    return organisation


def make_switch(at: datetime) -> Source:
    prices = {"8190": "0.11", "81": "0.021", "44": "0.012", "886": "0.02"}
    make_card(
        [{"prefix": prefix, "rate": rate} for prefix, rate in prices.items()],
        valid_from=at - timedelta(days=40),
    )
    return make_source()


def tell_call(chance: random.Random, name: str, caller: str, at: datetime) -> Told:
    """One call in generic JSON, of the two days before."""
    answered = at - timedelta(seconds=chance.randrange(3_600, 2 * 86_400))
    seconds = chance.randrange(1, 900)
    return {
        "source_record_id": name,
        "direction": "outbound",
        "from": caller,
        "to": f"{chance.choice(CALLEES)}{chance.randrange(10**6, 10**7)}",
        "answered_at": answered.isoformat(),
        "ended_at": (answered + timedelta(seconds=seconds)).isoformat(),
        "billable_s": seconds,
    }

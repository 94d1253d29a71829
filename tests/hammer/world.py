"""A small world for processes: who calls, from what they pay, and what they say."""

import random
from datetime import datetime, timedelta
from typing import Any

from accounts.models import Organisation, Role
from calling.models import Bucket, Source
from credits.models import LotKind
from tests.billing.recharging import make_card as save_card
from tests.billing.recharging import switch_on, usd
from tests.calling.telephony import (
    give_credit,
    give_plan,
    make_card,
    make_line,
    make_source,
)
from tests.makers import (
    make_lot,
    make_member,
    make_organisation,
    make_terms,
    make_user,
)

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


def make_crowd(number: int, at: datetime) -> list[Organisation]:
    """Organisations with two lines each, a few dollars, and auto-recharge for some."""
    make_switch(at)
    make_source("feed")
    make_terms(minimum="10", maximum_balance="1000000")
    make_user("staff@hammer.example", is_staff=True)
    crowd = []
    for place in range(number):
        organisation = make_caller(f"+88622345670{place}", "1", at=at)
        make_member(organisation, make_user(), Role.OWNER)
        make_line(organisation, f"+88622345680{place}", monthly_limit=usd("9"))
        for hours in (5, 20, 20, 45, 60):
            ends = at + timedelta(hours=hours)
            make_lot(organisation, "2", at=at, expires_at=ends)
        make_lot(organisation, "2", kind=LotKind.STAFF_PAYMENT, at=at)
        if place:
            facts: dict[str, Any] = {
                "trigger": usd("8"),
                "amount": usd("10"),
                "only_when_used": False,
            }
            whose = {"stripe_customer_id": f"cus_{organisation.pk}"}
            card = save_card(organisation, at=at, is_default=True, **whose)
            switch_on(organisation, card, at=at, **facts)
        crowd.append(organisation)
    return crowd

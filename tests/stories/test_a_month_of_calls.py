"""A month of one line: plan minutes, credit, debt, a correction, the move to NCE.

The balance is asserted after every step (rules 6 to 8).
"""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import BillingMode, BillingModePeriod, Organisation
from calling.models import Bucket, Line, MinutePool, RateCardVersion, Source
from calling.prove import prove as prove_calls
from calling.quote import quote
from calling.replay import settle_waiting
from credits.prove import prove as prove_credits
from tests.calling import telephony
from tests.calling.telephony import charge_of, make_record, take_in

MEI = "+886223456789"
TAIPEI, TOKYO, PARIS = "+886212345678", "+81312345678", "+33123456789"


@pytest.fixture
def card(db: None) -> RateCardVersion:
    return telephony.make_card(
        [
            {"prefix": "886", "rate": "0.02", "country": "TW"},
            {"prefix": "81", "rate": "0.03", "country": "JP", "connect_fee": "0.01"},
        ]
    )


def march(day: int, hour: int = 2) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


class Month:
    """Mei's month at Formosa, as her switch tells it."""

    def __init__(self, source: Source, organisation: Organisation) -> None:
        self.source = source
        self.organisation = organisation

    def call(self, name: str, day: int, to: str, seconds: int) -> str:
        """Hands in a call an hour after it began; returns what became of it."""
        record = make_record(name, at=march(day), callee=to, seconds=seconds)
        at = march(day) + timedelta(hours=1)
        return take_in(self.source, record, at=at).outcomes[0].status

    @property
    def balance(self) -> int:
        self.organisation.wallet.refresh_from_db()
        return self.organisation.wallet.ledger_balance

    @property
    def minutes_left(self) -> int:
        return MinutePool.objects.get(period_start__month=3).remaining_seconds // 60


def first_week(month: Month) -> None:
    """Plan minutes, credit, a repeat, a call that outlasts the plan, one that waits."""
    # The plan pays for calls at home.
    assert month.call("first", 2, TAIPEI, 290) == "stored"
    assert (month.minutes_left, month.balance) == (5, 1_000_000)

    # Abroad, credit pays: the fee and two begun minutes.
    assert month.call("tokyo", 3, TOKYO, 61) == "stored"
    assert month.balance == 1_000_000 - 70_000

    # The switch sends the same file again; nothing moves.
    assert month.call("tokyo", 3, TOKYO, 61) == "duplicate"
    assert month.balance == 930_000

    # A call outlasts the plan's minutes; credit pays the rest of it.
    assert month.call("long", 4, TAIPEI, 8 * 60) == "stored"
    assert (month.minutes_left, month.balance) == (0, 930_000 - 60_000)
    assert charge_of("long").pool_seconds == 300

    # Nobody has a price for Paris yet: the call waits, and costs nothing meanwhile.
    assert month.call("paris", 5, PARIS, 60) == "waiting"
    assert month.balance == 870_000


def test_a_month_of_calls(card: RateCardVersion, formosa: Organisation) -> None:
    source = telephony.make_source()
    mei: Line = telephony.make_line(formosa, MEI, identity="mei")
    telephony.give_plan(mei, {Bucket.DOMESTIC: 10})
    telephony.give_credit(formosa, "1", at=march(1))
    month = Month(source, formosa)
    assert month.balance == 1_000_000
    first_week(month)

    # The quote says what the next call will cost, and it does.
    told = quote(caller=MEI, callee=TOKYO, seconds=30 * 60, at=march(6))
    assert told.cost == 910_000
    assert [(part.source, part.amount) for part in told.paid_by] == [
        ("credit", 870_000),
        ("debt", 40_000),
    ]
    assert month.call("too long", 6, TOKYO, 30 * 60) == "stored"
    assert month.balance == -40_000

    # The switch corrects itself: the call was half as long.
    assert month.call("too long", 6, TOKYO, 15 * 60) == "correction"
    assert month.balance == 870_000 - 460_000
    assert charge_of("too long").revision == 2

    # A new price list knows Paris: the waiting call is settled at its start's price.
    telephony.make_card(
        [{"prefix": "33", "rate": "0.05"}, {"prefix": "81", "rate": "9"}],
        valid_from=march(5),
    )
    assert len(settle_waiting(at=march(7))) == 1
    assert month.balance == 410_000 - 50_000

    # Formosa moves to NCE; what is left is spent first, then usage is billed after use.
    BillingModePeriod.objects.update(ends_at=march(8))
    BillingModePeriod.objects.create(
        organisation=formosa, billing_mode=BillingMode.NCE, starts_at=march(8)
    )
    assert month.call("after", 9, PARIS, 10 * 60) == "stored"
    after = charge_of("after")
    assert (after.credit_amount, after.postpaid_amount) == (360_000, 140_000)
    assert month.balance == 0

    assert prove_credits(at=march(10)).breaches == []
    assert prove_calls(at=march(10)).breaches == []

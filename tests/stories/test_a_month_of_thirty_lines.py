"""A month of a company with thirty lines whose domestic minutes run out on the 20th.

Thirty licences of 100 minutes make a pool of 3,000. Every working hour of the story is
told call by call; after each step the pool and the balance are asserted, and what the
company was told (rules 1.6, 6 to 8, and 11).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

import pytest

from accounts.models import Notice, NoticeKind, Organisation
from calling.assign_licence import assign_licence
from calling.change_quantity import change_quantity
from calling.models import (
    Bucket,
    Line,
    MinutePool,
    Purpose,
    RateCardVersion,
    Source,
)
from calling.models.plans import LicenceBase, PlanKind, Subscription
from calling.plans.explain_pool import explain_pool
from calling.prove import prove as prove_calls
from calling.tell_used_pools import tell_used_pools
from credits.money import to_decimal
from credits.prove import prove as prove_credits
from credits.statement import read_balance
from tests.calling import telephony
from tests.calling.plans import make_plan, take
from tests.calling.telephony import give_credit, make_record, take_in
from tests.makers import START

TAIPEI, TOKYO, YANGON = "+886212345678", "+81312345678", "+9511234567"
STAFF = 30


@pytest.fixture
def card(db: None) -> RateCardVersion:
    telephony.make_card(
        [{"prefix": "81", "rate": "0.05"}, {"prefix": "95", "rate": "0.40"}],
        name="Conference",
        purpose=Purpose.CONFERENCE,
    )
    return telephony.make_card(
        [
            {"prefix": "886", "rate": "0.02", "country": "TW"},
            {"prefix": "88620", "rate": "1", "number_type": "premium"},
            {"prefix": "81", "rate": "0.03", "country": "JP"},
        ]
    )


def march(day: int, hour: int = 10) -> datetime:
    """That hour in Taipei."""
    return datetime(2026, 3, day, hour, tzinfo=UTC) - timedelta(hours=8)


class Company:
    """Thirty lines, their plan, and the month as the switch tells it."""

    def __init__(self, source: Source, organisation: Organisation) -> None:
        self.source, self.organisation = source, organisation
        self.names: Iterator[int] = count(1)
        self.lines = [
            telephony.make_line(organisation, f"+8862555500{n:02}")
            for n in range(STAFF)
        ]
        phone = make_plan("phone-system", kind=PlanKind.PHONE_SYSTEM)
        take(organisation, phone, *self.lines, quantity=40)
        domestic = make_plan(
            "domestic-100", {Bucket.DOMESTIC: 100}, requires="phone-system"
        )
        self.domestic: Subscription = take(organisation, domestic, *self.lines)
        audio = make_plan(
            "audio",
            {Bucket.CONFERENCE: 60},
            base=LicenceBase.PURCHASED,
            kind=PlanKind.AUDIO_CONFERENCING,
        )
        take(organisation, audio, *self.lines[:2])
        self.now = START

    def talk(
        self,
        at: datetime,
        minutes: int,
        *,
        lines: int = 1,
        to: str = TAIPEI,
        kind: str = "",
    ) -> None:
        """So many lines talk for so long, all at once; the records come at the end."""
        self.now = at + timedelta(minutes=minutes)
        records = [
            make_record(
                f"call-{next(self.names)}",
                at=at,
                seconds=60 * minutes,
                callee=to,
                caller=f"+8862555500{n:02}",
                kind=kind,
            )
            for n in range(lines)
        ]
        take_in(self.source, *records, at=self.now)
        tell_used_pools(self.now)

    def has(self, balance: str, *, domestic: str, conference: str = "") -> None:
        """Balance, and `left/granted` minutes of each pool of the newest month."""
        seen = read_balance(self.organisation.pk, self.now)
        assert to_decimal(seen.balance) == Decimal(balance)
        assert self._pool(Bucket.DOMESTIC) == domestic
        assert self._pool(Bucket.CONFERENCE) == conference
        for proof in (
            prove_credits(self.organisation.pk, at=self.now),
            prove_calls(self.organisation.pk, at=self.now),
        ):
            assert proof.breaches == []

    def _pool(self, bucket: Bucket) -> str:
        pools = MinutePool.objects.filter(
            bucket=bucket, starts_at__lte=self.now, ends_at__gt=self.now
        )
        pool = pools.first()
        if pool is None:
            return ""
        return f"{pool.remaining_seconds // 60}/{pool.granted_seconds // 60}"

    def was_told(self) -> list[str]:
        seen = {n.episode: n.kind for n in Notice.objects.order_by("pk")}
        return list(seen.values())


@pytest.fixture
def company(pbx: Source, formosa: Organisation, card: RateCardVersion) -> Company:
    return Company(pbx, formosa)


@pytest.fixture
def pbx(db: None) -> Source:
    return telephony.make_source()


def test_a_month_of_thirty_lines(company: Company) -> None:
    the_pool_carries_the_first_weeks(company)
    it_runs_out_on_the_twentieth(company)
    licences_are_added(company)
    the_next_month_starts_anew(company)


def the_pool_carries_the_first_weeks(company: Company) -> None:
    give_credit(company.organisation, "20", at=march(1))
    company.now = march(1)
    company.has("20", domestic="")

    # 2 March: everybody calls for half an hour.
    company.talk(march(2), 30, lines=30)
    company.has("20", domestic="2100/3000")

    # Tokyo is not domestic, and a premium number is in no plan.
    company.talk(march(3), 10, to=TOKYO)
    company.has("19.7", domestic="2100/3000")
    company.talk(march(4), 1, to="+886204123456")
    company.has("18.7", domestic="2100/3000")

    # A conference dials Tokyo within its own minutes, Yangon outside zone A.
    company.talk(march(5), 100, to=TOKYO, kind="conference_out")
    company.has("18.7", domestic="2100/3000", conference="20/120")
    company.talk(march(5, 14), 5, to=YANGON, kind="conference_out")
    company.has("16.7", domestic="2100/3000", conference="20/120")
    assert company.was_told() == [NoticeKind.POOL_LOW]

    # 16 March: eighty per cent of the domestic minutes are used.
    company.talk(march(16), 50, lines=30)
    company.has("16.7", domestic="600/3000", conference="20/120")
    assert company.was_told() == [NoticeKind.POOL_LOW] * 2


def it_runs_out_on_the_twentieth(company: Company) -> None:
    # 20 March: thirty calls of 19 minutes take 570 of the last 600.
    company.talk(march(20), 19, lines=30)
    company.has("16.7", domestic="30/3000", conference="20/120")

    # The call during which the pool ends is paid by both: 30 minutes, then 10.
    company.talk(march(20, 15), 40)
    company.has("16.5", domestic="0/3000", conference="20/120")
    assert company.was_told()[-1] == NoticeKind.POOL_USED

    # From now on every domestic minute costs credit, and on the 23rd it is gone.
    company.talk(march(23), 25, lines=30)
    company.has("1.5", domestic="0/3000", conference="20/120")
    company.talk(march(24), 100)
    company.has("-0.5", domestic="0/3000", conference="20/120")
    assert len(company.was_told()) == 3


def licences_are_added(company: Company) -> None:
    # 25 March: five licences more; 7 of 31 days of their 500 minutes are 113.
    company.now = march(25)
    change_quantity(company.domestic, 35, expected=30, at=company.now)
    company.has("-0.5", domestic="0/3000", conference="20/120")
    phone = Subscription.objects.get(plan__family="phone-system")
    for n in range(5):
        line: Line = telephony.make_line(company.organisation, f"+8862555501{n:02}")
        assign_licence(phone, line, at=company.now)
        assign_licence(company.domestic, line, at=company.now)
    company.has("-0.5", domestic="113/3113", conference="20/120")
    company.talk(march(26), 100)
    company.has("-0.5", domestic="13/3113", conference="20/120")

    # The page shows the same arithmetic.
    pool = MinutePool.objects.get(bucket=Bucket.DOMESTIC)
    told = explain_pool(pool)
    assert [(step.licences, step.minutes, step.days) for step in told.steps] == [
        (30, 100, 31),
        (5, 100, 7),
    ]
    assert (told.granted, told.used, told.left, told.kept) == (3113, 3100, 13, 0)
    assert (len(told.members), told.members[0].seconds // 60) == (35, 229)


def the_next_month_starts_anew(company: Company) -> None:
    # 31 March, ten minutes before midnight: a call of thirty belongs to March.
    company.talk(march(31, 23) + timedelta(minutes=50), 30)
    company.has("-0.84", domestic="", conference="")
    march_pool = MinutePool.objects.get(bucket=Bucket.DOMESTIC)
    assert march_pool.remaining_seconds == 0

    # 1 April: 35 licences count in full, what was left has lapsed.
    company.talk(march(31) + timedelta(days=1), 10, lines=30)
    company.has("-0.84", domestic="3200/3500")

    # New credit pays the debt first.
    give_credit(company.organisation, "10", at=company.now)
    company.has("9.16", domestic="3200/3500")

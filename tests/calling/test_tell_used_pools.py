"""Minutes that run out are told of once, at 80 and at 100 % (rules 7.4 and 11)."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import Notice, NoticeKind, Organisation
from calling.assign_licence import assign_licence
from calling.change_quantity import change_quantity
from calling.models import Bucket, Line, Source
from calling.models.plans import ExhaustionRule
from calling.tell_used_pools import tell_used_pools
from tests.calling.plans import make_plan, take
from tests.calling.telephony import make_line, make_record, take_in

pytestmark = pytest.mark.usefixtures("card")

NOON = datetime(2026, 3, 10, 4, tzinfo=UTC)
TAIPEI, TOKYO = "+886212345678", "+81312345678"


def talk(pbx: Source, minutes: int, *, hour: int, callee: str = TAIPEI) -> datetime:
    at = NOON + timedelta(hours=hour)
    record = make_record(callee=callee, seconds=60 * minutes, at=at)
    take_in(pbx, record, at=at + timedelta(minutes=minutes))
    return at + timedelta(minutes=minutes)


def told() -> list[str]:
    """The kinds of the episodes so far, in their order."""
    seen: dict[str, str] = {}
    for notice in Notice.objects.order_by("pk"):
        seen.setdefault(notice.episode, notice.kind)
    return list(seen.values())


def test_rule_7_4_eighty_per_cent_and_all_are_each_told_once(
    formosa: Organisation, pbx: Source, mei: Line
) -> None:
    take(formosa, make_plan(minutes={Bucket.DOMESTIC: 100}), mei)
    assert tell_used_pools(talk(pbx, 79, hour=0)) == 0
    assert tell_used_pools(talk(pbx, 1, hour=2)) == 1
    assert tell_used_pools(talk(pbx, 5, hour=3)) == 0
    assert tell_used_pools(talk(pbx, 15, hour=4)) == 1
    assert tell_used_pools(talk(pbx, 15, hour=5)) == 0
    assert told() == [NoticeKind.POOL_LOW, NoticeKind.POOL_USED]
    low = Notice.objects.filter(kind=NoticeKind.POOL_LOW)[0]
    assert low.context["left"] == 20
    assert low.context["plan"] == "Domestic"
    assert low.context["path"].startswith("/plans/pools/")


def test_a_pool_that_is_used_up_at_once_is_told_of_once(
    formosa: Organisation, pbx: Source, mei: Line
) -> None:
    take(formosa, make_plan(minutes={Bucket.DOMESTIC: 10}), mei)
    assert tell_used_pools(talk(pbx, 30, hour=0)) == 1
    assert told() == [NoticeKind.POOL_USED]


def test_rule_11_it_is_told_again_once_it_had_cleared_by_ten_per_cent(
    formosa: Organisation, pbx: Source, mei: Line
) -> None:
    subscription = take(formosa, make_plan(minutes={Bucket.DOMESTIC: 31}), mei)
    tell_used_pools(talk(pbx, 31, hour=0))
    at = NOON + timedelta(hours=1)
    change_quantity(subscription, 2, expected=1, at=at)
    assign_licence(subscription, make_line(formosa), at=at)
    assert tell_used_pools(at) == 0  # 22 of 53 minutes are left
    assert tell_used_pools(talk(pbx, 12, hour=2)) == 1
    assert told() == [NoticeKind.POOL_USED, NoticeKind.POOL_LOW]


def test_where_one_bucket_ends_all_that_one_is_told_of(
    formosa: Organisation, pbx: Source, mei: Line
) -> None:
    plan = make_plan(
        minutes={Bucket.DOMESTIC: 100, Bucket.INTERNATIONAL: 10},
        rule=ExhaustionRule.ANY_EXHAUSTS_ALL,
    )
    take(formosa, plan, mei)
    talk(pbx, 1, hour=0)
    assert tell_used_pools(talk(pbx, 11, hour=1, callee=TOKYO)) == 1
    assert Notice.objects.filter(kind=NoticeKind.POOL_USED)[0].context["granted"] == 10


def test_a_month_that_is_over_is_not_told_of(
    formosa: Organisation, pbx: Source, mei: Line
) -> None:
    take(formosa, make_plan(minutes={Bucket.DOMESTIC: 10}), mei)
    talk(pbx, 10, hour=0)
    assert tell_used_pools(NOON + timedelta(days=40)) == 0
    assert not Notice.objects.exists()

"""Included minutes: whose, how many, of which month, and in what order (rule 7)."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import Organisation
from calling.models import Bucket, Licence, Line, MinutePool, Purpose, Source
from calling.models.plans import ExhaustionRule, LicenceBase
from calling.resize_pools import resize_pools
from tests.calling.telephony import (
    LATER,
    MORNING,
    charge_of,
    give_credit,
    give_plan,
    make_card,
    make_line,
    make_record,
    take_in,
)
from tests.makers import START

pytestmark = pytest.mark.usefixtures("card")

DOMESTIC, INTERNATIONAL = Bucket.DOMESTIC, Bucket.INTERNATIONAL
TAIPEI, TOKYO = "+886212345678", "+81312345678"


def left(bucket: Bucket = DOMESTIC) -> int:
    return MinutePool.objects.get(bucket=bucket).remaining_seconds


def test_rule_7_1_a_pool_is_licences_times_minutes_and_shared(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    give_plan(mei, {DOMESTIC: 2})
    give_plan(make_line(formosa, "+886255550002"))
    take_in(pbx, make_record("a", callee=TAIPEI, seconds=200))
    pool = MinutePool.objects.get()
    assert (pool.granted_seconds, pool.remaining_seconds) == (240, 0)
    assert (pool.usage_country, pool.family, pool.line) == ("TW", "domestic", None)
    charge = charge_of("a")
    assert (charge.pool_seconds, charge.pool_amount) == (240, 80_000)
    assert charge.pool == pool


def test_rule_7_1_the_month_is_the_organisation_s(pbx: Source, mei: Line) -> None:
    """Half past four in the afternoon UTC on the 31st is April in Taipei."""
    give_plan(mei, {DOMESTIC: 10})
    edge = datetime(2026, 3, 31, 16, tzinfo=UTC)
    take_in(
        pbx,
        make_record("march", callee=TAIPEI, at=edge - timedelta(seconds=1)),
        make_record("april", callee=TAIPEI, at=edge),
        at=edge + timedelta(hours=1),
    )
    months = MinutePool.objects.order_by("period_start")
    assert [pool.period_start.month for pool in months] == [3, 4]
    assert months[0].ends_at == months[1].starts_at == edge
    assert [pool.remaining_seconds for pool in months] == [540, 540]


def test_rule_7_2_a_pool_covers_its_own_class_of_calls(pbx: Source, mei: Line) -> None:
    give_plan(mei, {DOMESTIC: 10})
    take_in(
        pbx,
        make_record("home", callee=TAIPEI),
        make_record("away", callee=TOKYO),
        make_record("premium", callee="+886204123456"),
    )
    drawn = [charge_of(name).pool_seconds for name in ("home", "away", "premium")]
    assert drawn == [60, 0, 0]
    assert charge_of("premium").debt_amount == 1_000_000


def test_a_line_without_a_licence_draws_nothing(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    give_plan(make_line(formosa), {DOMESTIC: 10})
    take_in(pbx, make_record("a", callee=TAIPEI))
    assert charge_of("a").pool_seconds == 0


def test_a_licence_counts_from_when_it_is_assigned(pbx: Source, mei: Line) -> None:
    give_plan(mei, {DOMESTIC: 10}, at=MORNING + timedelta(hours=1))
    take_in(
        pbx,
        make_record("before", callee=TAIPEI),
        make_record("after", callee=TAIPEI, at=MORNING + timedelta(hours=1)),
    )
    assert charge_of("before").pool_seconds == 0
    assert charge_of("after").pool_seconds == 60


def test_a_plan_covers_the_usage_countries_it_is_sold_for(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    give_plan(mei, {DOMESTIC: 10}, countries=["US", "CA", "PR"])
    take_in(pbx, make_record("a", callee=TAIPEI))
    assert charge_of("a").pool_seconds == 0


def test_the_usage_country_is_the_line_s_not_the_organisation_s(
    pbx: Source, formosa: Organisation
) -> None:
    ken = make_line(formosa, "+81355550001", usage_country="JP")
    give_plan(ken, {DOMESTIC: 10})
    take_in(pbx, make_record("a", caller="+81355550001", callee=TOKYO))
    assert charge_of("a").kind == "domestic"
    assert MinutePool.objects.get().usage_country == "JP"


def test_an_unpooled_plan_has_a_pool_per_line(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    give_plan(mei, {DOMESTIC: 1}, is_pooled=False)
    ken = make_line(formosa, "+886255550002")
    give_plan(ken)
    take_in(pbx, make_record("a", callee=TAIPEI, seconds=120))
    assert charge_of("a").pool_seconds == 60
    take_in(pbx, make_record("b", caller="+886255550002", callee=TAIPEI))
    assert charge_of("b").pool_seconds == 60
    owners = MinutePool.objects.order_by("line_id").values_list("line_id", flat=True)
    assert list(owners) == [mei.pk, ken.pk]


def test_rule_1_5_whichever_bucket_is_hit_first_ends_both(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    give_plan(
        mei,
        {DOMESTIC: 10, INTERNATIONAL: 2},
        rule=ExhaustionRule.ANY_EXHAUSTS_ALL,
    )
    give_credit(formosa, "5")
    take_in(
        pbx,
        make_record("a", callee=TAIPEI),
        make_record("b", callee=TOKYO, seconds=180, at=MORNING + timedelta(minutes=2)),
        make_record("c", callee=TAIPEI, at=MORNING + timedelta(minutes=9)),
    )
    assert charge_of("a").pool_seconds == 60
    assert (charge_of("b").pool_seconds, charge_of("b").credit_seconds) == (120, 60)
    assert charge_of("c").pool_seconds == 0
    take_in(pbx, make_record("d", callee=TAIPEI, at=MORNING + timedelta(hours=2)))
    assert charge_of("d").pool_seconds == 0
    assert left() == 540


def test_buckets_end_by_themselves_otherwise(pbx: Source, mei: Line) -> None:
    give_plan(mei, {DOMESTIC: 10, INTERNATIONAL: 1})
    take_in(
        pbx,
        make_record("a", callee=TOKYO, seconds=120),
        make_record("b", callee=TAIPEI, at=MORNING + timedelta(minutes=9)),
    )
    assert charge_of("a").pool_seconds == charge_of("b").pool_seconds == 60


def test_a_call_draws_whole_intervals(pbx: Source, mei: Line) -> None:
    """8190 is rated 30/6; the pool has 60 seconds, the call 99."""
    give_plan(mei, {INTERNATIONAL: 1})
    take_in(pbx, make_record("a", callee="+819012345678", seconds=99))
    charge = charge_of("a")
    assert (charge.billed_seconds, charge.pool_seconds) == (102, 60)
    assert (charge.pool_amount, charge.debt_amount) == (110_000, 77_000)


def test_conference_minutes_are_the_organisation_s_and_for_zone_a(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    make_card(
        [{"prefix": "81"}, {"prefix": "95"}],
        name="Conference",
        purpose=Purpose.CONFERENCE,
    )
    give_plan(mei, {Bucket.CONFERENCE: 1}, quantity=3, base=LicenceBase.PURCHASED)
    take_in(
        pbx,
        make_record("tokyo", callee=TOKYO, kind="conference_out"),
        make_record("yangon", callee="+9512345678", kind="conference_out"),
    )
    pool = MinutePool.objects.get()
    assert (pool.granted_seconds, pool.usage_country) == (180, "")
    assert charge_of("tokyo").pool_seconds == 60
    assert charge_of("yangon").pool_seconds == 0


def test_a_licence_that_moves_to_another_line_counts_once(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    licence = give_plan(mei, {DOMESTIC: 10})
    licence.released_at = MORNING - timedelta(days=1)
    licence.save()
    ken = make_line(formosa, "+886255550002")
    give_plan(ken, at=MORNING - timedelta(days=1))
    take_in(pbx, make_record("a", caller="+886255550002", callee=TAIPEI))
    assert MinutePool.objects.get().granted_seconds == 600


@pytest.mark.parametrize(
    ("day", "minutes"),
    [(1, 16), (16, 20), (20, 14), (31, 11)],
)
def test_rule_1_6_a_licence_added_in_the_month_counts_pro_rata(
    pbx: Source, formosa: Organisation, mei: Line, day: int, minutes: int
) -> None:
    """Ten minutes for the first, who counts in full; of the other's, days of 31."""
    noon = datetime(2026, 3, 16, 4, tzinfo=UTC)
    give_plan(mei, {DOMESTIC: 10}, at=noon)
    give_plan(make_line(formosa), at=noon.replace(day=day))
    take_in(
        pbx,
        make_record("a", callee=TAIPEI, at=noon + timedelta(days=15)),
        at=noon + timedelta(days=16),
    )
    assert MinutePool.objects.get().granted_seconds == minutes * 60


def test_rule_1_6_added_minutes_are_there_at_once(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    give_plan(mei, {DOMESTIC: 10})
    take_in(pbx, make_record("a", callee=TAIPEI, seconds=600))
    pool = MinutePool.objects.get()
    assert (pool.granted_seconds, pool.remaining_seconds) == (600, 0)
    give_plan(make_line(formosa), at=datetime(2026, 3, 16, 4, tzinfo=UTC))
    for grown in (1, 0):
        assert resize_pools(formosa, at=LATER) == grown
    pool.refresh_from_db()
    assert (pool.granted_seconds, pool.remaining_seconds) == (960, 360)
    assert pool.exhausted_at is None
    licence = Licence.objects.order_by("pk").first()
    assert licence is not None
    licence.released_at = MORNING + timedelta(days=10)
    licence.save()
    assert resize_pools(formosa, at=MORNING + timedelta(days=10)) == 0


def test_unused_minutes_lapse(pbx: Source, mei: Line) -> None:
    give_plan(mei, {DOMESTIC: 2})
    next_month = MORNING + timedelta(days=31)
    take_in(
        pbx,
        make_record("a", callee=TAIPEI),
        make_record("b", callee=TAIPEI, at=next_month, seconds=180),
        at=next_month + timedelta(hours=1),
    )
    assert charge_of("b").pool_seconds == 120


def test_b52_an_unanswered_call_draws_nothing(pbx: Source, mei: Line) -> None:
    give_plan(mei, {DOMESTIC: 2})
    take_in(pbx, make_record("a", callee=TAIPEI, answered=False))
    assert not MinutePool.objects.exists()


def test_a_dialled_toll_free_number_without_a_price_draws_nothing(
    pbx: Source, mei: Line
) -> None:
    give_plan(mei, {DOMESTIC: 2}, at=START)
    take_in(pbx, make_record("a", callee="+886800123456"))
    assert charge_of("a").pool_seconds == 0

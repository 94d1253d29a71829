"""Limits hold under the wallet's lock; nothing is skipped without a reason (5.4)."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Notice, NoticeKind, Organisation, StaffTask
from billing.models import RechargeAttempt, RechargeStop, SkippedRecharge, TopUpTerms
from billing.recharging.auto_recharge import allow_auto_recharge, stop_auto_recharge
from billing.recharging.recharge import sweep_recharges
from billing.recharging.recharge_caps import (
    Past,
    cap_in_the_way,
    month_in_the_way,
    next_month,
    times_to_catch_up,
)
from billing.recharging.recharge_words import skipped_sentence
from calling.models import DeniedCall, UsageDay
from tests import makers
from tests.billing.recharging import (
    DAY,
    DECLINES,
    HOUR,
    MINUTE,
    Recharger,
    usd,
)
from tests.calling.authorise.asking import MEI, ask
from tests.calling.telephony import make_card, make_line, make_source

TAIPEI = ZoneInfo("Asia/Taipei")
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def drain(recharger: Recharger) -> None:
    """Uses up what was bought, so that the wallet wants the next."""
    recharger.spend("100")


# --- how often ------------------------------------------------------------------------


def test_b22_recharges_are_a_minute_apart(recharger: Recharger) -> None:
    recharger.switch_on()
    recharger.charge()
    drain(recharger)
    recharger.later(timedelta(seconds=59))
    assert recharger.recharge() is None
    assert recharger.reasons() == {"too_soon": 1}
    assert not Notice.objects.filter(kind=NoticeKind.RECHARGE_CAPPED).exists()
    recharger.later(timedelta(seconds=1))
    recharger.charge()
    recharger.prove()


def test_b22_three_recharges_an_hour_and_six_a_day(recharger: Recharger) -> None:
    recharger.switch_on(monthly_limit=usd("5000"))
    made = []
    for _minute in range(26 * 60 // 5):
        if recharger.recharge():
            made.append(recharger.now)
            drain(recharger)
        recharger.later(5 * MINUTE)
    hours = [(moment - made[0]) / HOUR for moment in made]
    assert len([hour for hour in hours if hour < 1]) == 3
    assert len([hour for hour in hours if hour < 24]) == 6
    assert set(recharger.reasons()) == {"hour_limit", "day_limit"}
    recharger.prove()


def test_a31_reaching_a_limit_is_announced_once(recharger: Recharger) -> None:
    recharger.switch_on(monthly_limit=usd("250"))
    for _ in range(2):
        recharger.charge()
        drain(recharger)
        recharger.later(2 * MINUTE)
    assert recharger.recharge() is None
    recharger.minute_by_minute(3 * HOUR, 30 * MINUTE)
    assert set(recharger.reasons()) == {"month_limit"}
    told = Notice.objects.filter(
        kind=NoticeKind.RECHARGE_CAPPED, recipient="billing@formosa.example"
    )
    assert told.count() == 1
    status = recharger.status
    assert (status.state, status.code) == ("capped", "month_limit")
    assert status.next_at == next_month(recharger.now, TAIPEI)
    assert status.spent_this_month == usd("200")
    context = told.get().context
    assert (context["cap"], context["limit"]) == ("month", usd("250"))
    recharger.prove()


def test_month_begins_where_the_organisation_is(recharger: Recharger) -> None:
    """The first of April in Taipei begins on the evening before in UTC."""
    recharger.now = datetime(2026, 3, 31, 15, 58, tzinfo=UTC)
    recharger.switch_on(monthly_limit=usd("100"))
    recharger.charge()
    drain(recharger)
    recharger.later(MINUTE)
    assert recharger.recharge() is None
    assert recharger.reasons() == {"month_limit": 1}
    recharger.now = datetime(2026, 3, 31, 16, 0, tzinfo=UTC)
    recharger.charge()
    recharger.prove()


def test_a31_pending_recharge_counts_and_a_failed_one_keeps_its_claim(
    recharger: Recharger,
) -> None:
    """Museum B19: the gap and the hour forget nothing, the month what was not paid."""
    recharger.switch_on(DECLINES, monthly_limit=usd("100"))
    recharger.charge()  # cools down, and may still be charged
    assert recharger.status.spent_this_month == usd("100")
    recharger.switch_on(monthly_limit=usd("100"))  # another card ends it
    assert recharger.recharge() is None
    assert recharger.reasons() == {"too_soon": 1}
    recharger.later(MINUTE)
    recharger.charge()
    assert recharger.status.state == "capped"
    recharger.prove()


def test_b23_three_recharges_in_ten_minutes_alarm_the_staff(
    recharger: Recharger,
) -> None:
    recharger.switch_on()
    for number in range(3):
        assert StaffTask.objects.count() == 0
        recharger.charge()
        drain(recharger)
        recharger.later(2 * MINUTE)
        assert RechargeAttempt.objects.count() == number + 1
    task = StaffTask.objects.get()
    assert task.kind == "recharges_in_quick_succession"
    assert task.organisation == recharger.organisation
    recharger.prove()


# --- whether at all -------------------------------------------------------------------


def use(organisation: Organisation, at: datetime, *, pool: bool = False) -> None:
    UsageDay.objects.create(
        organisation=organisation,
        day=organisation.local_day(at),
        kind="domestic",
        currency="USD",
        calls=1,
        seconds=60,
        amount=usd("1"),
        pool_amount=usd("1") if pool else 0,
    )


def test_a33_only_when_used_in_the_last_30_days(recharger: Recharger) -> None:
    recharger.switch_on(only_when_used=True)
    use(recharger.organisation, recharger.now - 31 * DAY)
    use(recharger.organisation, recharger.now, pool=True)  # the plan paid that one
    assert recharger.recharge() is None
    assert recharger.reasons() == {"not_used": 1}
    use(recharger.organisation, recharger.now - 30 * DAY)
    recharger.charge()
    recharger.prove()


def test_a33_a_paid_call_that_was_denied_is_use(recharger: Recharger) -> None:
    """5.1: otherwise who has no credit left could never begin to use it again."""
    recharger.switch_on(only_when_used=True)
    denied = {"source_id": 1, "call_key": "pbx:1", "asked_at": recharger.now}
    DeniedCall.objects.create(
        organisation=recharger.organisation, code="destination_barred", **denied
    )
    assert recharger.recharge() is None
    DeniedCall.objects.create(
        organisation=recharger.organisation, code="no_funding", **denied
    )
    recharger.charge()
    recharger.prove()


def test_a33_call_that_a_switch_was_denied_is_use(recharger: Recharger) -> None:
    """5.1, by the door that a switch comes in by."""
    at = recharger.now
    make_card([{"prefix": "81", "rate": "0.021"}])
    make_line(recharger.organisation, MEI)
    recharger.switch_on(only_when_used=True)
    assert recharger.recharge() is None
    assert ask(make_source(), at=at).code == "no_funding"
    recharger.charge()


def test_a33_charge_now_and_young_organisations_are_exempt(
    recharger: Recharger,
) -> None:
    recharger.switch_on(only_when_used=True)
    assert recharger.recharge(is_asked=True) is not None
    drain(recharger)
    recharger.later(2 * MINUTE)
    assert recharger.recharge() is None
    Organisation.objects.update(opened_at=recharger.now - 30 * DAY + MINUTE)
    recharger.charge()
    recharger.prove()


def test_kill_switches_stop_one_and_all(recharger: Recharger) -> None:
    staff = makers.make_user("staff@provider.example", is_staff=True)
    recharger.switch_on()
    why = "Looks like fraud to us"
    stop_auto_recharge(recharger.organisation, why, actor=staff, at=recharger.now)
    assert recharger.recharge() is None
    allow_auto_recharge(recharger.organisation, why, actor=staff, at=recharger.now)
    stop = RechargeStop.objects.create(
        reason=why, stopped_at=recharger.now, stopped_by=staff
    )
    assert sweep_recharges(recharger.now) == 0
    assert recharger.reasons() == {"stopped_by_staff": 1, "all_stopped": 1}
    assert recharger.status.code == "all_stopped"
    stop.lifted_at = recharger.now
    stop.save()
    assert sweep_recharges(recharger.now) == 1


def test_what_was_claimed_is_not_sent_after_a_stop(recharger: Recharger) -> None:
    staff = makers.make_user("staff@provider.example", is_staff=True)
    recharger.switch_on()
    assert sweep_recharges(recharger.now) == 1
    RechargeStop.objects.create(
        reason="A fault at the bank", stopped_at=recharger.now, stopped_by=staff
    )
    recharger.go_on()
    assert RechargeAttempt.objects.get().state == "cancelled"
    assert recharger.charges() == []
    recharger.prove()


def test_a_declined_recharge_waits_while_everything_is_stopped(
    recharger: Recharger,
) -> None:
    staff = makers.make_user("staff@provider.example", is_staff=True)
    recharger.switch_on(DECLINES)
    recharger.charge()
    stop = RechargeStop.objects.create(
        reason="A fault at the bank", stopped_at=recharger.now, stopped_by=staff
    )
    recharger.minute_by_minute(5 * HOUR, 10 * MINUTE)
    assert len(recharger.charges()) == 1
    RechargeStop.objects.filter(pk=stop.pk).update(lifted_at=recharger.now)
    recharger.minute_by_minute(HOUR, 10 * MINUTE)
    assert len(recharger.charges()) == 2
    recharger.prove()


def test_suspended_organisation_and_a_full_wallet_are_skipped(
    recharger: Recharger,
) -> None:
    recharger.switch_on()
    Organisation.objects.update(suspended_at=recharger.now)
    assert recharger.recharge() is None
    Organisation.objects.update(suspended_at=None)
    TopUpTerms.objects.update(maximum=usd("90") // 1_000_000, maximum_balance=99)
    recharger.later(MINUTE)
    assert recharger.recharge() is None
    assert recharger.reasons() == {
        "organisation_suspended": 1,
        "above_maximum_balance": 1,
    }


def test_b25_every_skip_is_counted_and_has_a_sentence(recharger: Recharger) -> None:
    recharger.switch_on(DECLINES)
    recharger.minute_by_minute(8 * HOUR, 10 * MINUTE)
    recharger.minute_by_minute(30 * MINUTE, MINUTE)
    row = SkippedRecharge.objects.latest("id")
    assert row.reason == "card_paused"
    assert row.day == recharger.organisation.local_day(row.first_at)
    assert row.last_at > row.first_at
    # Each ten minutes, not each minute.
    assert row.times <= 2 + (row.last_at - row.first_at) / (10 * MINUTE)
    for code in ("too_soon", "month_limit", "not_used", "card_paused", "all_stopped"):
        assert skipped_sentence(code) != code
    assert recharger.status.last_skipped == row


def test_top_up_ends_the_wait_of_a_recharge_that_was_declined(
    recharger: Recharger,
) -> None:
    recharger.switch_on(DECLINES)
    attempt = recharger.charge()
    makers.make_lot(recharger.organisation, "50", at=recharger.now)
    recharger.later(HOUR)
    recharger.go_on()
    attempt.refresh_from_db()
    assert (attempt.state, attempt.tries.count()) == ("failed", 1)
    assert len(recharger.charges()) == 1
    assert recharger.status.state == "armed"


# --- pure -----------------------------------------------------------------------------


@given(
    moments=st.lists(st.integers(0, 3 * 86_400), max_size=40),
)
def test_no_order_of_claims_ever_passes_a_limit(moments: list[int]) -> None:
    made: list[Past] = []
    for second in sorted(moments):
        at = NOON + timedelta(seconds=second)
        if cap_in_the_way(made, at=at) is None:
            made.append(Past(at, usd("100")))
    starts = [one.started_at for one in made]
    for earlier, later in pairwise(starts):
        assert later - earlier >= timedelta(seconds=60)
    for first, fourth in zip(starts, starts[3:], strict=False):
        assert fourth - first >= timedelta(hours=1)
    for first, seventh in zip(starts, starts[6:], strict=False):
        assert seventh - first >= timedelta(days=1)


def test_cap_says_until_when() -> None:
    past = [Past(NOON - minutes * MINUTE, 0) for minutes in (50, 30, 10)]
    cap = cap_in_the_way(past, at=NOON)
    assert cap is not None
    assert (cap.code, cap.until) == ("hour_limit", NOON + 10 * MINUTE)
    assert cap_in_the_way(past, at=cap.until) is None


def test_month_limit_is_met_exactly_and_not_passed() -> None:
    past = [Past(NOON - DAY, usd("60")), Past(NOON - 20 * DAY, usd("999"))]
    assert month_in_the_way(usd("40"), usd("100"), past, at=NOON, zone=TAIPEI) is None
    cap = month_in_the_way(usd("40.01"), usd("100"), past, at=NOON, zone=TAIPEI)
    assert cap is not None
    assert cap.until == datetime(2026, 4, 1, tzinfo=TAIPEI)


@pytest.mark.parametrize(
    ("short", "room", "times"),
    [("1", "900", 1), ("100", "900", 1), ("100.01", "900", 2), ("450", "300", 3)],
)
def test_catch_up_multiple(short: str, room: str, times: int) -> None:
    assert times_to_catch_up(usd(short), usd("100"), usd(room)) == times


def test_month_of_a_zone_with_summer_time_begins_at_midnight() -> None:
    london = ZoneInfo("Europe/London")
    assert next_month(datetime(2026, 3, 15, tzinfo=UTC), london) == datetime(
        2026, 3, 31, 23, tzinfo=UTC
    )

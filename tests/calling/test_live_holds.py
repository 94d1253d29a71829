"""Holds whose record never comes: the sweep and staff release them (rule 9.4)."""

from datetime import timedelta

import pytest
from django.db import connection

from accounts.models import AuditEvent, Organisation, User
from calling.line_months import line_month_of
from calling.live.lapse_holds import lapse_stale_holds, oldest_due
from calling.live.release_stuck import release_stuck
from calling.models import Line, LineMonth, MinutePool, Source
from calling.refusals import HoldNotStuck
from credits.expire import lapse_due_lots
from credits.models import Hold, HoldState, LedgerEntry, Wallet
from tests.calling.telephony import MORNING, charge_of, make_record, take_in
from tests.calling.test_end_holds import (
    MARCH,
    hold_of,
    make_pool,
    state_of,
)
from tests.makers import make_hold, make_lot, make_organisation
from tests.statements import counted

HALF_AN_HOUR = timedelta(minutes=30)
OVER = MORNING + HALF_AN_HOUR
REASON = "the switch was unplugged"


def test_a_hold_past_its_deadline_ends_and_bills_nothing(
    formosa: Organisation,
) -> None:
    make_lot(formosa, "10")
    stale = make_hold(formosa, "4", at=MORNING)
    live = make_hold(formosa, "2", at=MORNING + timedelta(seconds=1))
    before = LedgerEntry.objects.count()

    assert lapse_stale_holds(OVER) == 1

    assert (state_of(stale), state_of(live)) == (HoldState.LAPSED, HoldState.OPEN)
    assert stale.closed_at == OVER
    wallet = Wallet.objects.get(pk=formosa.pk)
    assert (wallet.reserved, wallet.live_calls) == (2_000_000, 1)
    assert LedgerEntry.objects.count() == before
    assert lapse_stale_holds(OVER) == 0


@pytest.mark.usefixtures("card")
def test_all_that_it_set_aside_is_given_back_and_its_record_settles_later(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    Line.objects.update(monthly_limit=5_000_000)
    pool, month = make_pool(mei, 10), line_month_of(mei, MARCH)
    hold_of(formosa, pbx, "a", pool=pool, pool_seconds=600, line_month=month)
    assert lapse_stale_holds(OVER) == 1
    assert MinutePool.objects.get().reserved_seconds == 0
    assert LineMonth.objects.get().reserved == 0
    take_in(pbx, make_record("a", call_id="a", seconds=60))
    assert charge_of("a").pool_seconds == 60


def test_expired_credit_lapses_with_the_last_hold_on_it(formosa: Organisation) -> None:
    """3.8: also when the hold ends by its deadline."""
    make_lot(formosa, "10", expires_at=MORNING + timedelta(minutes=1))
    make_hold(formosa, "4", at=MORNING)
    lapse_due_lots(MORNING + timedelta(minutes=2))
    assert Wallet.objects.get(pk=formosa.pk).lapsed == 6_000_000
    lapse_stale_holds(OVER)
    assert Wallet.objects.get(pk=formosa.pk).lapsed == 10_000_000


def test_a_sweep_stops_at_its_limit_and_goes_on_the_next_time(
    formosa: Organisation,
) -> None:
    holds = [
        make_hold(formosa, at=MORNING - timedelta(seconds=number))
        for number in range(5)
    ]
    assert lapse_stale_holds(OVER, limit=2) == 2
    assert [state_of(hold) for hold in reversed(holds)] == ["lapsed"] * 2 + ["open"] * 3
    assert lapse_stale_holds(OVER, limit=2) == 2
    assert lapse_stale_holds(OVER, limit=2) == 1


def test_a_sweep_takes_a_constant_number_of_statements(db: None) -> None:
    counts = []
    for number in (1, 40):
        for _ in range(number):
            make_hold(make_organisation(), at=MORNING)
        with counted() as count:
            assert lapse_stale_holds(OVER) == number
        counts.append(count.statements)
    assert counts[0] == counts[1] <= 8


@pytest.mark.postgresql
def test_the_sweep_reads_the_index_of_open_holds(formosa: Organisation) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        plan = oldest_due(OVER)[:100].explain()
    assert "holds_that_end" in plan
    assert "Sort" not in plan


# --- staff ----------------------------------------------------------------------------


def test_staff_release_what_is_stuck_and_say_why(
    formosa: Organisation, alice: User
) -> None:
    hold = make_hold(formosa, "4", at=MORNING)
    release_stuck(hold, reason=REASON, actor=alice, at=OVER)
    assert state_of(hold) == HoldState.RELEASED
    assert Wallet.objects.get(pk=formosa.pk).reserved == 0
    event = AuditEvent.objects.get(verb="release_hold")
    assert (event.organisation, event.reason) == (formosa, REASON)
    assert event.before == {"state": "open", "amount": "4.000000"}


@pytest.mark.parametrize("state", ["may go on", "is over"])
def test_staff_cannot_release_a_call_that_may_go_on_or_is_over(
    formosa: Organisation, alice: User, state: str
) -> None:
    hold = make_hold(formosa, "4", at=MORNING)
    if state == "is over":
        lapse_stale_holds(OVER)
    at = OVER if state == "is over" else OVER - timedelta(seconds=1)
    with pytest.raises(HoldNotStuck):
        release_stuck(hold, reason=REASON, actor=alice, at=at)
    assert not AuditEvent.objects.filter(verb="release_hold").exists()
    assert Hold.objects.get().is_open == (state == "may go on")

"""A record ends the hold of its call, and what was set aside pays it (rule 9.4)."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import Organisation
from calling.end_holds import call_key, end_holds
from calling.line_months import line_month_of
from calling.models import (
    Bucket,
    Line,
    LineMonth,
    MinutePool,
    Source,
)
from calling.models.plans import ExhaustionRule
from calling.pool_size import period_of
from calling.prove import prove
from calling.replay import settle_waiting
from credits.lock import lock_wallet
from credits.models import Hold, HoldState, Wallet
from credits.refresh import refresh_wallets
from tests.calling.telephony import (
    LATER,
    MORNING,
    charge_of,
    give_credit,
    give_plan,
    make_line,
    make_record,
    take_in,
)
from tests.calling.test_statements import MOST, statements_of
from tests.flushing.management.commands.flush import fences_lifted
from tests.makers import make_hold, make_organisation

pytestmark = pytest.mark.usefixtures("card")
MARCH = date(2026, 3, 1)


def hold_of(
    organisation: Organisation, source: Source, call_id: str, **more: Any
) -> Hold:
    return make_hold(
        organisation,
        key=call_key(source.slug, call_id),
        source_id=source.pk,
        **{"at": MORNING, **more},
    )


def state_of(hold: Hold) -> str:
    hold.refresh_from_db()
    return hold.state


def wallet_of(organisation: Organisation) -> Wallet:
    return Wallet.objects.get(pk=organisation.pk)


def make_pool(
    line: Line, minutes: int, bucket: Bucket = Bucket.INTERNATIONAL, **more: Any
) -> MinutePool:
    """This month's pool of the line's plan."""
    give_plan(line, {bucket: minutes}, **more)
    return pool_of(line, minutes, bucket)


def pool_of(line: Line, minutes: int, bucket: Bucket) -> MinutePool:
    period = period_of(MARCH, line.organisation.zone)
    return MinutePool.objects.create(
        organisation=line.organisation,
        usage_country=line.usage_country,
        family="domestic",
        bucket=bucket,
        period_start=MARCH,
        starts_at=period.starts_at,
        ends_at=period.ends_at,
        granted_seconds=60 * minutes,
        remaining_seconds=60 * minutes,
    )


# --- which hold a record ends ---------------------------------------------------------


def test_a_record_ends_the_hold_of_its_call_id(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    give_credit(formosa, "10")
    mine, other = hold_of(formosa, pbx, "call-1"), hold_of(formosa, pbx, "call-2")
    take_in(pbx, make_record("a", call_id="call-1"))
    assert (state_of(mine), state_of(other)) == (HoldState.SETTLED, HoldState.OPEN)
    assert mine.closed_at == LATER
    wallet = wallet_of(formosa)
    assert (wallet.reserved, wallet.live_calls) == (1_000_000, 1)
    assert charge_of("a").credit_amount == 21_000


def test_a_record_ends_the_hold_that_it_names(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    hold = hold_of(formosa, pbx, "call-1")
    record = make_record("a", call_id="else", authorization_id=f"auth_{hold.pk}")
    take_in(pbx, record)
    assert state_of(hold) == HoldState.SETTLED


def test_a_record_with_a_tag_ends_the_hold_with_or_without_it(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    plain = hold_of(formosa, pbx, "call-1")
    tagged = make_hold(
        formosa,
        key=call_key(pbx.slug, "call-2", "tag"),
        source_id=pbx.pk,
        at=MORNING,
    )
    forked = make_hold(
        formosa,
        key=call_key(pbx.slug, "call-2", "other"),
        source_id=pbx.pk,
        at=MORNING,
    )
    take_in(
        pbx,
        make_record("a", call_id="call-1", from_tag="tag"),
        make_record("b", call_id="call-2", from_tag="tag"),
    )
    assert state_of(plain) == state_of(tagged) == HoldState.SETTLED
    assert state_of(forked) == HoldState.OPEN


def test_nobody_elses_hold_is_ended(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    """1.7: neither another source's nor another organisation's."""
    other = make_organisation()
    theirs = hold_of(other, pbx, "call-1")
    elsewhere = make_hold(formosa, key="sbc:call-1", source_id=pbx.pk + 1, at=MORNING)
    for hold in (theirs, elsewhere):
        named = f"auth_{hold.pk}"
        take_in(pbx, make_record(call_id="call-1", authorization_id=named))
        assert state_of(hold) == HoldState.OPEN


def test_two_organisations_may_have_a_hold_of_one_call_id(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    """A call from one customer to another is a call of each."""
    other = make_organisation()
    make_line(other, "+886229999999")
    holds = [hold_of(one, pbx, "call-1") for one in (formosa, other)]
    hold_of(other, pbx, "call-2")
    take_in(
        pbx,
        make_record(call_id="call-1"),
        make_record(call_id="call-2", caller="+886229999999"),
    )
    assert [state_of(hold) for hold in holds] == [HoldState.SETTLED, HoldState.OPEN]


@pytest.mark.parametrize(
    "named", ["auth_", "auth_x", "x", "auth_" + "9" * 60, "auth_²"]
)
def test_a_name_of_no_hold_of_ours_is_passed_over(
    pbx: Source, formosa: Organisation, mei: Line, named: str
) -> None:
    hold = hold_of(formosa, pbx, "call-1")
    take_in(pbx, make_record("a", authorization_id=named))
    assert state_of(hold) == HoldState.OPEN
    assert charge_of("a").debt_amount == 21_000


def test_a_record_that_waits_ends_its_hold_when_it_settles(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    mei.numbers.update(starts_at=LATER)
    hold = hold_of(formosa, pbx, "call-1")
    record = make_record("a", call_id="call-1")
    record.body = record.body.replace("{", '{"call_id": "call-1", ', 1)
    take_in(pbx, record)
    assert state_of(hold) == HoldState.OPEN
    mei.numbers.update(starts_at=MORNING)
    assert len(settle_waiting(at=LATER)) == 1
    assert state_of(hold) == HoldState.SETTLED


def test_a_call_that_nobody_answered_costs_nothing_and_ends_its_hold(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    hold = hold_of(formosa, pbx, "call-1")
    take_in(pbx, make_record("a", call_id="call-1", answered=False))
    assert state_of(hold) == HoldState.SETTLED
    assert charge_of("a").rated_amount == wallet_of(formosa).reserved == 0


def test_an_overrun_becomes_debt_and_the_rest_of_a_hold_is_free(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    """3.6 and 9.4."""
    give_credit(formosa, "1")
    hold_of(formosa, pbx, "short", amount="0.5")
    hold_of(formosa, pbx, "long", amount="0.5")
    take_in(pbx, make_record("short", call_id="short", seconds=60))
    wallet = wallet_of(formosa)
    assert (wallet.credit, wallet.reserved, wallet.debt) == (979_000, 500_000, 0)
    take_in(pbx, make_record("long", call_id="long", seconds=3_600))
    wallet = wallet_of(formosa)
    assert (wallet.credit, wallet.reserved, wallet.debt) == (0, 0, 281_000)


@pytest.mark.parametrize("state", [HoldState.LAPSED, HoldState.RELEASED])
def test_a_late_record_of_an_ended_hold_still_settles_once(
    pbx: Source, formosa: Organisation, mei: Line, state: HoldState
) -> None:
    give_credit(formosa, "1")
    hold = hold_of(formosa, pbx, "call-1")
    with transaction.atomic():
        wallet = lock_wallet(formosa.pk)
        chosen = Hold.objects.filter(pk=hold.pk)
        assert len(end_holds({formosa.pk: wallet}, chosen, state, at=LATER)) == 1
        refresh_wallets([wallet])
    record = make_record("a", call_id="call-1")
    assert take_in(pbx, record).stored == 1
    assert take_in(pbx, record).duplicates == 1
    assert state_of(hold) == state
    assert charge_of("a").credit_amount == 21_000
    assert wallet_of(formosa).credit == 979_000


def test_a_correction_touches_no_hold(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    record = make_record("a", call_id="call-1")
    take_in(pbx, record)
    hold = hold_of(formosa, pbx, "call-1", at=LATER + timedelta(hours=1))
    assert take_in(pbx, replace(record, billable_seconds=120)).corrections == 1
    assert state_of(hold) == HoldState.OPEN


# --- a source that asks ---------------------------------------------------------------


def test_a_record_that_nobody_asked_for_leaves_an_ended_hold(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    """Performance 4: a call record that came first."""
    pbx.asks_since = MORNING
    known = hold_of(formosa, pbx, "known")
    records = [make_record(name, call_id=name) for name in ("known", "first")]
    take_in(pbx, *records, make_record("without"))
    take_in(pbx, make_record("second leg", call_id="first"))
    assert state_of(known) == HoldState.SETTLED
    assert set(Hold.objects.values_list("call_key", "state", "amount")) == {
        ("pbx:known", "settled", 1_000_000),
        ("pbx:first", "settled", 0),
    }
    assert wallet_of(formosa).live_calls == 0


def test_a_record_that_names_its_hold_ends_it_and_leaves_no_other(
    pbx: Source, mei: Line
) -> None:
    pbx.asks_since = MORNING
    named = hold_of(mei.organisation, pbx, "asked-as", amount="1")
    other = hold_of(mei.organisation, pbx, "other", amount="2")
    record = make_record(call_id="told-as", authorization_id=f"auth_{named.pk}")
    take_in(pbx, record, at=LATER)
    assert (state_of(named), state_of(other)) == (HoldState.SETTLED, HoldState.OPEN)
    assert Hold.objects.count() == 2


def test_a_record_that_names_nobody_s_hold_leaves_an_ended_one(
    pbx: Source, mei: Line
) -> None:
    pbx.asks_since = MORNING
    theirs = hold_of(make_organisation(), pbx, "theirs")
    record = make_record(call_id="told-as", authorization_id=f"auth_{theirs.pk}")
    take_in(pbx, record, at=LATER)
    assert state_of(theirs) == HoldState.OPEN
    left = Hold.objects.exclude(pk=theirs.pk).get()
    assert (left.call_key, left.state) == ("pbx:told-as", HoldState.SETTLED)


def test_a_late_record_that_names_an_ended_hold_leaves_no_other(
    pbx: Source, mei: Line
) -> None:
    pbx.asks_since = MORNING
    named = hold_of(mei.organisation, pbx, "asked-as", amount="1")
    with transaction.atomic():
        wallets = {mei.organisation_id: lock_wallet(mei.organisation_id)}
        end_holds(wallets, Hold.objects.all(), HoldState.LAPSED, at=LATER)
        refresh_wallets(wallets.values())
    record = make_record(call_id="told-as", authorization_id=f"auth_{named.pk}")
    take_in(pbx, record, at=LATER)
    assert state_of(named) == HoldState.LAPSED
    assert Hold.objects.count() == 1


def test_a_source_that_never_asks_leaves_nothing(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    take_in(pbx, make_record("a", call_id="call-1"))
    assert not Hold.objects.exists()


# --- pools and line months ------------------------------------------------------------


def test_minutes_set_aside_for_other_calls_are_not_spent(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    """9.4: parallel calls cannot each have the same last minutes (rule 7)."""
    give_credit(formosa, "10")
    pool = make_pool(mei, 3)
    held = hold_of(formosa, pbx, "held", pool=pool, pool_seconds=120, amount="0")
    take_in(pbx, make_record("free", seconds=180))
    assert charge_of("free").pool_seconds == 60
    take_in(pbx, make_record("held", call_id="held", seconds=120))
    charge = charge_of("held")
    assert (charge.pool_seconds, charge.credit_amount) == (120, 0)
    pool.refresh_from_db()
    assert (pool.remaining_seconds, pool.reserved_seconds) == (0, 0)
    assert state_of(held) == HoldState.SETTLED


def test_a_short_call_leaves_the_minutes_it_did_not_need(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    pool = make_pool(mei, 10)
    hold_of(formosa, pbx, "held", pool=pool, pool_seconds=600, amount="0")
    take_in(pbx, make_record("held", call_id="held", seconds=60))
    pool.refresh_from_db()
    assert (pool.remaining_seconds, pool.reserved_seconds) == (540, 0)


def test_minutes_that_calls_hold_do_not_end_the_other_buckets(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    """7.2: a bucket is used up when nothing is left, not while calls hold the rest."""
    give_credit(formosa, "10")
    rule = ExhaustionRule.ANY_EXHAUSTS_ALL
    pool = make_pool(mei, 3, rule=rule)
    hold_of(formosa, pbx, "held", pool=pool, pool_seconds=120, amount="0")
    take_in(pbx, make_record("free", seconds=180))
    take_in(pbx, make_record("held", call_id="held", seconds=120))
    assert charge_of("held").pool_seconds == 120
    pool.refresh_from_db()
    assert pool.exhausted_at == LATER


def test_the_month_of_a_line_is_kept_true(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    """1.4: made from charges, moved by settlement and correction."""
    Line.objects.filter(pk=mei.pk).update(monthly_limit=5_000_000)
    mei.refresh_from_db()
    give_credit(formosa, "0.03")
    record = make_record("a", seconds=60)
    take_in(pbx, record)
    month = line_month_of(mei, MARCH)
    assert month.spent == 21_000

    hold = hold_of(formosa, pbx, "b", line_month=month, amount="2")
    month.refresh_from_db()
    assert month.reserved == 2_000_000
    take_in(pbx, make_record("b", call_id="b", seconds=120))
    take_in(pbx, replace(record, billable_seconds=300))
    take_in(pbx, make_record("april", at=MORNING + timedelta(days=30)))

    month.refresh_from_db()
    assert (month.spent, month.reserved) == (42_000 + 105_000, 0)
    assert state_of(hold) == HoldState.SETTLED
    assert line_month_of(mei, MARCH) == month


def test_a_correction_that_moves_a_call_to_another_line_moves_its_cost(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    Line.objects.update(monthly_limit=5_000_000)
    ken = make_line(formosa, identity="ken", monthly_limit=5_000_000)
    record = make_record("a", seconds=60)
    take_in(pbx, record)
    months = [line_month_of(line, MARCH) for line in (mei, ken)]
    take_in(pbx, replace(record, user="ken", account_code="FORMOSA", caller="+8862000"))
    for month in months:
        month.refresh_from_db()
    assert [month.spent for month in months] == [
        0 if charge_of("a").line_id == ken.pk else 21_000,
        21_000 if charge_of("a").line_id == ken.pk else 0,
    ]


def test_a_line_without_a_limit_has_no_months(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    """A limit that is set again counts what was spent without one."""
    Line.objects.filter(pk=mei.pk).update(monthly_limit=5_000_000)
    month = line_month_of(mei, MARCH)
    hold = hold_of(formosa, pbx, "held", line_month=month)
    Line.objects.filter(pk=mei.pk).update(monthly_limit=4_000_000)
    assert LineMonth.objects.filter(pk=month.pk).exists()
    Line.objects.filter(pk=mei.pk).update(monthly_limit=None)
    assert not LineMonth.objects.exists()
    take_in(pbx, make_record("held", call_id="held", seconds=60))
    assert state_of(hold) == HoldState.SETTLED
    Line.objects.filter(pk=mei.pk).update(monthly_limit=5_000_000)
    assert line_month_of(mei, MARCH).spent == 21_000


# --- statements and proof -------------------------------------------------------------


def test_holds_take_a_constant_number_of_statements(pbx: Source) -> None:
    counts = []
    for size, spread in ((1, 1), (100, 10)):
        records = []
        for _ in range(spread):
            organisation = make_organisation()
            number = f"+8862{organisation.pk:08d}"
            line = make_line(organisation, number, monthly_limit=10**9)
            month, pool = line_month_of(line, MARCH), make_pool(line, 5)
            for call in range(size // spread):
                name = f"{organisation.pk}-{call}"
                hold_of(
                    organisation, pbx, name, pool=pool, pool_seconds=3, line_month=month
                )
                records.append(
                    make_record(name, caller=number, call_id=name, seconds=600)
                )
        take_in(pbx, make_record(f"warm-{size}", caller=number))
        counts.append(len(statements_of(pbx, records)))
    # Lines with a limit take one more: what their months had set aside, and the rest.
    assert counts[0] == counts[1] <= MOST + 1
    assert not Hold.objects.still_open().exists()


@pytest.mark.usefixtures("breached")
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE calling_minutepool SET reserved_seconds = 1",
        "UPDATE credits_hold SET pool_seconds = 1",
        "UPDATE calling_linemonth SET reserved = reserved + 1",
        "UPDATE calling_linemonth SET spent = spent + 1",
        "UPDATE credits_hold SET call_key = 'pbx:done' WHERE call_key = 'pbx:held'",
    ],
)
def test_the_proof_finds_what_was_tampered_with(
    pbx: Source, formosa: Organisation, mei: Line, sql: str
) -> None:
    """18, for pools, line months, and calls that are over."""
    Line.objects.filter(pk=mei.pk).update(monthly_limit=5_000_000)
    pool, month = make_pool(mei, 5), line_month_of(mei, MARCH)
    hold_of(formosa, pbx, "held", pool=pool, pool_seconds=60, line_month=month)
    take_in(pbx, make_record("done", call_id="done", seconds=600))
    assert prove(at=LATER).breaches == []
    with fences_lifted(connection), connection.cursor() as cursor:
        cursor.execute(sql)
    found = prove(at=LATER).breaches
    assert any(line.endswith("(18)") for line in found), found


def test_long_names_of_a_call_make_different_keys() -> None:
    """RFC 3261 sets no limit; what does not fit is a hash, never cut short."""
    call_id, tag = "i" * 200, "t" * 60
    assert call_key("pbx", "a", "b") == "pbx:a:b"
    first, second = (call_key("pbx", call_id, tag + end) for end in "xy")
    assert first != second
    assert max(len(first), len(second)) <= 255
    assert call_key("pbx", call_id + "more") == call_key("pbx", call_id)

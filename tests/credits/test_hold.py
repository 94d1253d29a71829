"""Holds set money aside and give it back, once, in bulk (rules 3.4, 3.8 and 9.4)."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Organisation, User
from credits.adjust import lower_lot
from credits.expire import lapse_due_lots, lapse_lots_of, post_expired_lots
from credits.hold import close_holds
from credits.lock import lock_wallet, lock_wallets
from credits.lots import read_live_lots
from credits.models import Hold, HoldState, Lot, Wallet
from credits.money import to_micros
from credits.prove import prove
from credits.refresh import refresh_wallets
from credits.refusals import MoreThanUnheld
from credits.spend import spend
from credits.statement import read_balance, uncovered
from credits.take_back import unheld
from tests.flushing.management.commands.flush import fences_lifted
from tests.makers import START, make_hold, make_lot, make_organisation
from tests.statements import counted

EXPIRY = START + timedelta(days=10)
BEFORE, AFTER = EXPIRY - timedelta(minutes=5), EXPIRY + timedelta(minutes=5)


def end(
    *holds: Hold, state: HoldState = HoldState.RELEASED, at: datetime = AFTER
) -> int:
    """How many of the holds ended."""
    with transaction.atomic():
        wallets = lock_wallets({hold.organisation_id for hold in holds})
        chosen = Hold.objects.filter(pk__in=[hold.pk for hold in holds])
        ended = close_holds(wallets, chosen, state, at=at)
        refresh_wallets(list(wallets.values()))
    return len(ended)


def wallet_of(organisation: Organisation) -> Wallet:
    return Wallet.objects.get(pk=organisation.pk)


def expiring(organisation: Organisation, amount: str, days: int = 0) -> Lot:
    return make_lot(organisation, amount, expires_at=EXPIRY + timedelta(days=days))


# --- opening and closing --------------------------------------------------------------


def test_what_a_hold_set_aside_is_available_again(formosa: Organisation) -> None:
    make_lot(formosa, "10")
    hold = make_hold(formosa, "4")
    assert read_balance(formosa.pk, START).available == 6_000_000

    assert end(hold) == 1

    wallet = wallet_of(formosa)
    assert (wallet.reserved, wallet.live_calls) == (0, 0)
    assert read_balance(formosa.pk, START).available == 10_000_000
    hold.refresh_from_db()
    assert (hold.state, hold.closed_at) == (HoldState.RELEASED, AFTER)


def test_a_hold_ends_once(formosa: Organisation) -> None:
    make_lot(formosa, "10")
    first, _ = make_hold(formosa, "4"), make_hold(formosa, "1")
    assert end(first, state=HoldState.LAPSED) == 1
    assert end(first, state=HoldState.SETTLED) == 0
    first.refresh_from_db()
    assert first.state == HoldState.LAPSED
    wallet = wallet_of(formosa)
    assert (wallet.reserved, wallet.live_calls) == (1_000_000, 1)


def test_the_number_of_statements_does_not_depend_on_the_number_of_holds(
    formosa: Organisation,
) -> None:
    counts = []
    for number in (1, 30):
        organisations = [formosa, *(make_organisation() for _ in range(number // 5))]
        holds = [
            make_hold(organisations[place % len(organisations)], "0.5")
            for place in range(number)
        ]
        with counted() as count:
            assert end(*holds) == number
        counts.append(count.statements)
    assert counts[0] == counts[1]
    assert wallet_of(formosa).reserved == 0


def test_a_wallet_below_its_trigger_for_a_call_is_above_it_after_the_call(
    formosa: Organisation,
) -> None:
    """5.2: live calls count."""
    make_lot(formosa, "10")
    Wallet.objects.filter(pk=formosa.pk).update(trigger=to_micros("8"))
    hold = make_hold(formosa, "4")
    assert wallet_of(formosa).recharge_wanted
    end(hold)
    assert not wallet_of(formosa).recharge_wanted


# --- rule 3.8: what covers calls that began before lapses when they end ---------------


def test_expired_credit_that_a_call_holds_lapses_when_the_call_ends(
    formosa: Organisation,
) -> None:
    expiring(formosa, "10")
    hold = make_hold(formosa, "4", at=BEFORE)
    assert lapse_due_lots(AFTER) == 1
    balance = read_balance(formosa.pk, AFTER)
    assert (balance.balance, balance.available) == (4_000_000, 0)

    end(hold)

    assert wallet_of(formosa).lapsed == 10_000_000
    assert read_balance(formosa.pk, AFTER).balance == 0


def test_a_call_that_began_at_the_expiry_holds_nothing_of_that_lot(
    formosa: Organisation,
) -> None:
    expiring(formosa, "10")
    make_lot(formosa, "5")
    make_hold(formosa, "4", at=EXPIRY)
    lapse_due_lots(AFTER)
    assert wallet_of(formosa).lapsed == 10_000_000
    assert read_balance(formosa.pk, AFTER).available == 1_000_000


def test_two_expired_lots_cover_a_call_once(formosa: Organisation) -> None:
    expiring(formosa, "3")
    expiring(formosa, "10", days=1)
    make_hold(formosa, "4", at=BEFORE, lasts=timedelta(days=3))
    late = EXPIRY + timedelta(days=2)
    lapse_due_lots(late)
    assert wallet_of(formosa).lapsed == 9_000_000


def test_a_later_lot_covers_a_later_call_that_the_earlier_lot_cannot(
    formosa: Organisation,
) -> None:
    expiring(formosa, "3")
    expiring(formosa, "10", days=1)
    make_hold(formosa, "4", at=AFTER, lasts=timedelta(days=3))
    lapse_due_lots(EXPIRY + timedelta(days=2))
    assert wallet_of(formosa).lapsed == 3_000_000 + 6_000_000


def test_the_balance_is_the_same_before_and_after_the_sweep(
    formosa: Organisation,
) -> None:
    """3.4: a late job makes nothing spendable and takes nothing away."""
    expiring(formosa, "10")
    make_lot(formosa, "1")
    make_hold(formosa, "4", at=BEFORE)
    unswept = read_balance(formosa.pk, AFTER)
    lapse_due_lots(AFTER)
    assert read_balance(formosa.pk, AFTER) == unswept
    assert unswept.lapsed == 6_000_000


def test_one_wallet_is_brought_up_to_date_before_it_is_asked(
    formosa: Organisation,
) -> None:
    expiring(formosa, "10")
    make_hold(formosa, "4", at=BEFORE)
    with transaction.atomic():
        wallet = lock_wallet(formosa.pk)
        lapse_lots_of(wallet, at=AFTER)
    assert wallet.lapsed == wallet_of(formosa).lapsed == 6_000_000
    assert lapse_due_lots(AFTER) == 0


def test_a_late_charge_of_the_held_call_draws_from_the_expired_lot(
    formosa: Organisation,
) -> None:
    expiring(formosa, "10")
    hold = make_hold(formosa, "4", at=BEFORE)
    lapse_due_lots(AFTER)
    paid = spend(
        formosa, amount=3_000_000, reference="c#1", started_at=BEFORE, at=AFTER
    )
    end(hold, state=HoldState.SETTLED)
    assert (paid.credit, paid.debt) == (3_000_000, 0)
    assert wallet_of(formosa).lapsed == 7_000_000


def test_after_72_hours_the_lot_is_posted_whatever_is_held(
    formosa: Organisation,
) -> None:
    expiring(formosa, "10")
    make_hold(formosa, "4", at=BEFORE, lasts=timedelta(days=9))
    at = EXPIRY + timedelta(hours=72)
    lapse_due_lots(at)
    assert post_expired_lots(at) == 1
    wallet = wallet_of(formosa)
    assert (wallet.credit, wallet.lapsed, wallet.reserved) == (0, 0, 4_000_000)


def test_uncovered_credit_is_what_no_earlier_call_can_draw() -> None:
    day = [START + timedelta(days=number) for number in range(5)]
    assert uncovered([], [(day[0], 5)]) == 0
    assert uncovered([(day[1], 7)], []) == 7
    assert uncovered([(day[1], 7)], [(day[0], 5)]) == 2
    assert uncovered([(day[1], 7)], [(day[1], 5)]) == 7
    assert uncovered([(day[1], 3), (day[3], 4)], [(day[0], 2), (day[2], 9)]) == 1
    assert uncovered([(day[1], 3), (day[3], 4)], [(day[0], 5)]) == 2


@given(
    lots=st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9)), max_size=5),
    holds=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9)), max_size=5),
)
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
def test_the_database_and_the_page_agree_on_what_is_uncovered(
    db: None, lots: list[tuple[int, int]], holds: list[tuple[int, int]]
) -> None:
    """3.8, and the proof finds nothing; however lots and calls lie to each other."""
    with transaction.atomic():
        organisation = make_organisation()
        for day, units in lots:
            expiring(organisation, str(units), days=day)
        for day, units in holds:
            at = EXPIRY + timedelta(days=day, seconds=-1)
            make_hold(organisation, str(units), at=at, lasts=timedelta(days=9))
        at = EXPIRY + timedelta(days=4)
        unswept = read_balance(organisation.pk, at)
        lapse_due_lots(at)
        assert read_balance(organisation.pk, at) == unswept
        assert wallet_of(organisation).lapsed == unswept.lapsed
        assert prove(organisation.pk, at=at).breaches == []
        transaction.set_rollback(True)


# --- rules 3.9 and 4.7: the unheld part -----------------------------------------------


def unheld_of(organisation: Organisation, lot: Lot, at: datetime) -> int:
    lots = read_live_lots([organisation.pk], at=at)[organisation.pk]
    return unheld([lot.pk], lots, wallet_of(organisation), at)


def test_what_live_calls_hold_cannot_be_taken_away(
    formosa: Organisation, alice: User
) -> None:
    """3.9: at most the unheld part of a lot (museum B49)."""
    lot = make_lot(formosa, "10")
    hold = make_hold(formosa, "4")
    facts: dict[str, Any] = {
        "reference": "adjust:1",
        "reason": "a mistake of ours",
        "actor": alice,
    }
    with pytest.raises(MoreThanUnheld):
        lower_lot(lot, to_micros("6.000001"), at=START, **facts)
    end(hold)
    lower_lot(lot, to_micros("10"), at=START, **facts)
    assert wallet_of(formosa).credit == 0


def test_a_call_that_expired_credit_covers_holds_nothing_of_the_others(
    formosa: Organisation,
) -> None:
    """4.7 and 3.8 together."""
    expiring(formosa, "3")
    lot = make_lot(formosa, "10")
    make_hold(formosa, "4", at=BEFORE)
    assert unheld_of(formosa, lot, BEFORE) == 9_000_000  # 13 less 4
    lapse_due_lots(AFTER)
    assert unheld_of(formosa, lot, AFTER) == 9_000_000  # 3 of the 4 are the expired's


def test_as_long_as_nothing_is_marked_the_whole_hold_counts(
    formosa: Organisation,
) -> None:
    expiring(formosa, "3")
    lot = make_lot(formosa, "10")
    make_hold(formosa, "4", at=BEFORE)
    assert unheld_of(formosa, lot, AFTER) == 6_000_000


# --- the proof ------------------------------------------------------------------------


@pytest.mark.usefixtures("breached")
@pytest.mark.parametrize(
    ("number", "sql"),
    [
        (18, "UPDATE credits_wallet SET reserved = reserved + 1"),
        (18, "UPDATE credits_wallet SET live_calls = 0"),
        (18, "UPDATE credits_hold SET amount = 1"),
        (18, "DELETE FROM credits_hold"),
        (18, "UPDATE credits_hold SET state = 'lapsed', closed_at = deadline_at"),
        (5, "UPDATE credits_wallet SET lapsed = lapsed + 4000000"),
        (5, "UPDATE credits_hold SET opened_at = '2026-01-11 00:00:00'"),
        (25, "UPDATE credits_hold SET organisation_id = 987654"),
    ],
)
def test_the_proof_finds_a_hold_that_was_tampered_with(
    formosa: Organisation, number: int, sql: str
) -> None:
    expiring(formosa, "10")
    make_hold(formosa, "4", at=datetime.fromisoformat("2026-01-10T23:50:00Z"))
    lapse_due_lots(AFTER)
    assert prove(at=AFTER).breaches == []
    with fences_lifted(connection), connection.cursor() as cursor:
        cursor.execute(sql)
    found = prove(at=AFTER).breaches
    assert any(line.endswith(f"({number})") for line in found), found


def test_a_hold_past_its_deadline_is_only_late(formosa: Organisation) -> None:
    hold = make_hold(formosa)
    proof = prove(at=hold.deadline_at + timedelta(minutes=59))
    assert (proof.breaches, proof.late) == ([], [])
    proof = prove(at=hold.deadline_at + timedelta(hours=1))
    assert proof.breaches == []
    assert [line[:5] for line in proof.late] == ["hold "]

"""What one statement must not get wrong (performance 4): each caveat its own test."""

from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import connection, connections, transaction

from accounts.models import Organisation
from benchmarks.rows.r11_statements import statements
from calling.authorise import reserve_at_once as hot_path
from calling.models import Bucket, DeniedCall, Line, MinutePool, Source
from credits.lock import lock_wallet
from credits.models import Hold, HoldState, Wallet
from tests.calling.authorise.asking import JAPAN, TAIWAN, ask
from tests.calling.telephony import (
    MORNING,
    charge_of,
    give_credit,
    give_plan,
    make_record,
    take_in,
)
from tests.makers import make_lot

pytestmark = pytest.mark.usefixtures("card", "mei")
AFTER = MORNING + timedelta(minutes=10)


def test_a_repeated_question_gets_the_stored_answer(
    pbx: Source, formosa: Organisation
) -> None:
    """9.4: word for word, and nothing is set aside; whatever has changed since."""
    give_credit(formosa, "50")
    first = ask(pbx, call_id="one", requested_seconds=600)
    formosa.suspended_at, formosa.suspended_because = MORNING, "fraud"
    formosa.save()
    again = ask(pbx, call_id="one", at=AFTER)
    assert list(again.body.items()) == list(first.body.items())
    wallet = Wallet.objects.get(pk=formosa.pk)
    assert (wallet.reserved, wallet.live_calls) == (210_000, 1)
    assert not DeniedCall.objects.exists()


def test_forks_of_a_call_are_calls_of_their_own(
    pbx: Source, formosa: Organisation
) -> None:
    give_credit(formosa, "50")
    ids = {
        ask(pbx, call_id="one", from_tag=tag).body["authorization_id"]
        for tag in ("", "a", "b")
    }
    assert len(ids) == 3


def test_a_late_question_about_a_settled_call_gets_no_hold(
    pbx: Source, formosa: Organisation
) -> None:
    """9.4: its record came first, without anybody having asked for it."""
    give_credit(formosa, "50")
    ask(pbx)  # from now on the source asks
    pbx.refresh_from_db()
    take_in(pbx, make_record("a", call_id="late"), at=AFTER)
    answer = ask(pbx, call_id="late", at=AFTER)
    assert (answer.decision, answer.body["max_duration_s"]) == ("allow", 60)
    assert Hold.objects.still_open().count() == 1
    assert Wallet.objects.get(pk=formosa.pk).live_calls == 1


def test_a_source_asks_since_its_first_question(pbx: Source) -> None:
    assert pbx.asks_since is None
    ask(pbx)
    ask(pbx, at=AFTER)
    pbx.refresh_from_db()
    assert pbx.asks_since == MORNING


def test_expired_credit_covers_no_new_call(pbx: Source, formosa: Organisation) -> None:
    """3.8: at once, whether or not the job that marks it ran."""
    lot = make_lot(formosa, "50", expires_at=MORNING + timedelta(minutes=5))
    assert ask(pbx).decision == "allow"
    assert ask(pbx, at=AFTER).code == "no_funding"
    lot.refresh_from_db()
    assert lot.lapsed_at == AFTER
    # What the running call holds still covers it.
    wallet = Wallet.objects.get(pk=formosa.pk)
    assert wallet.credit - wallet.lapsed == wallet.reserved == 630_000


def test_a_hold_that_ended_by_its_deadline_still_settles(
    pbx: Source, formosa: Organisation
) -> None:
    """9.4: never billed by the sweep; a late record settles once, by its key."""
    give_credit(formosa, "50")
    ask(pbx, call_id="one")
    Hold.objects.update(state=HoldState.LAPSED, closed_at=AFTER)
    Wallet.objects.update(reserved=0, live_calls=0)
    record = make_record("a", call_id="one")
    take_in(pbx, record)
    take_in(pbx, record)
    assert charge_of("a").credit_amount == 21_000


def test_a_recharge_is_wanted_as_soon_as_calls_hold_the_rest(
    pbx: Source, formosa: Organisation
) -> None:
    """5.2: the hot path keeps `recharge_wanted` true."""
    give_credit(formosa, "10")
    Wallet.objects.update(trigger=9_000_000)
    ask(pbx)
    assert not Wallet.objects.get(pk=formosa.pk).recharge_wanted
    ask(pbx)
    assert Wallet.objects.get(pk=formosa.pk).recharge_wanted


# --- one statement, on PostgreSQL -----------------------------------------------------

on_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite takes steps, and one transaction"
)


@on_postgresql
@pytest.mark.parametrize("way", ["credits", "plan", "limited", "none"])
def test_statements_for_the_money_1(
    way: str, pbx: Source, formosa: Organisation, mei: Line
) -> None:
    """Performance row 11: on the hot path one statement, asserted."""
    give_credit(formosa, "50")
    if way == "plan":
        give_plan(mei, {Bucket.DOMESTIC: 100})
    if way == "limited":
        mei.monthly_limit = 50_000_000
        mei.save()
    callee = {"plan": TAIWAN, "none": "+886800123456"}.get(way, JAPAN)
    ask(pbx, callee)
    with statements() as run:
        answer = ask(pbx, callee)
    assert answer.decision == "allow"
    assert len(run) == 1, run
    expected = {"limited": "credits"}.get(way, way)
    assert answer.body["charged_to"] == expected
    assert Wallet.objects.get(pk=formosa.pk).live_calls == 2


@on_postgresql
def test_both_ways_answer_the_same(
    pbx: Source, formosa: Organisation, mei: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one statement and the steps: same answer, same hold, same sums."""
    give_credit(formosa, "50")
    give_plan(mei, {Bucket.DOMESTIC: 100})
    ask(pbx, TAIWAN)
    seen = []
    for slow in (False, True):
        if slow:
            monkeypatch.setattr(hot_path, "can_be_at_once", lambda judged: False)
        for callee in (TAIWAN, JAPAN, "+886800123456"):
            answer = ask(pbx, callee).body
            hold = Hold.objects.order_by("pk").last()
            assert hold is not None
            row = {
                name: value
                for name, value in vars(hold).items()
                if name not in {"_state", "id", "call_key", "answer"}
            }
            stored = {k: v for k, v in hold.answer.items() if k != "_asked"}
            del answer["authorization_id"]
            seen.append((answer, row, stored))
    assert seen[:3] == seen[3:]


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_a_rival_that_was_first_answers_for_both(
    pbx: Source, formosa: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The statement sees neither its own nor the rival's hold; it is read once more."""
    give_credit(formosa, "50")
    ask(pbx, call_id="warm")
    answers: list[Any] = []

    def rival() -> None:
        try:
            answers.append(ask(pbx, call_id="one"))
        finally:
            connections.close_all()

    thread = Thread(target=rival)
    with transaction.atomic():
        lock_wallet(formosa.pk)
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()  # it waits for the wallet
        answers.append(ask(pbx, call_id="one"))
    thread.join()
    assert answers[0].body == answers[1].body
    wallet = Wallet.objects.get(pk=formosa.pk)
    assert (wallet.reserved, wallet.live_calls) == (1_260_000, 2)


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_who_waited_for_the_lock_sees_what_is_there_afterwards(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    """Relative updates, and pools locked too: nothing is as old as the statement."""
    give_plan(mei, {Bucket.DOMESTIC: 30})
    give_credit(formosa, "0.6")
    ask(pbx, TAIWAN, requested_seconds=60)
    answers: list[Any] = []

    def waiting() -> None:
        try:
            answers.append(ask(pbx, TAIWAN, requested_seconds=1740))
        finally:
            connections.close_all()

    thread = Thread(target=waiting)
    with transaction.atomic():
        lock_wallet(formosa.pk)
        thread.start()
        thread.join(0.3)
        take_in(pbx, make_record("a", callee=TAIWAN, seconds=1200))
    thread.join()
    assert answers[0].body["charged_to"] == "plan_then_credits"
    assert MinutePool.objects.get().reserved_seconds == 600
    assert Wallet.objects.get(pk=formosa.pk).reserved == 400_000

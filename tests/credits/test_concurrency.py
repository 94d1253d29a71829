"""Several at once: verbs wait for the wallet and then read it fresh (rule 3.10)."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import BillingMode, Organisation
from accounts.refusals import fence_code
from credits.expire import lapse_due_lots
from credits.issue import issue_lot
from credits.lock import lock_wallet, lock_wallets
from credits.models import LedgerEntry, Lot, LotKind, Wallet
from credits.prove import prove
from credits.spend import spend
from tests.makers import START, make_lot, make_organisation

needs_row_locks = pytest.mark.skipif(
    connection.vendor != "postgresql",
    reason="SQLite locks the whole file: one writer at a time, no rows to pass over.",
)
pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*verbs: Callable[[], object]) -> list[object]:
    """Runs each in a thread with a connection of its own; all start together."""
    start = Barrier(len(verbs))

    def run(verb: Callable[[], object]) -> object:
        try:
            start.wait(timeout=10)
            return verb()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(verbs)) as pool:
        futures = [pool.submit(run, verb) for verb in verbs]
        return [future.result(timeout=60) for future in futures]


@pytest.fixture(autouse=True)
def proven_after_commit() -> Iterator[None]:
    yield
    assert prove(at=START).breaches == []


def give(organisation: Organisation, amount: int, reference: str) -> Lot:
    return issue_lot(
        organisation,
        kind=LotKind.PROMOTIONAL,
        amount=amount,
        reference=reference,
        months=12,
        at=START,
    )


def take(organisation: Organisation, amount: int, reference: str) -> None:
    spend(organisation, amount=amount, reference=reference, started_at=START, at=START)


def test_the_same_lot_asked_for_twice_at_once_is_issued_once() -> None:
    organisation = make_organisation()
    lots = at_once(*[lambda: give(organisation, 100, "gift:1")] * 4)
    assert len(set(lots)) == 1
    assert Wallet.objects.get().credit == 100


def test_issues_and_spends_at_once_lose_nothing() -> None:
    organisation = make_organisation()

    def give_twice(name: str) -> None:
        for number in range(5):
            give(organisation, 100, f"gift:{name}{number}")

    def take_often(name: str) -> None:
        for number in range(10):
            take(organisation, 35, f"c{name}{number}#1")

    at_once(
        lambda: give_twice("a"),
        lambda: give_twice("b"),
        lambda: take_often("a"),
        lambda: take_often("b"),
    )
    wallet = Wallet.objects.get()
    assert wallet.ledger_balance == 10 * 100 - 20 * 35
    assert wallet.debt == 0
    issued_spent_and_paid = LedgerEntry.objects.count()
    assert wallet.last_seq == issued_spent_and_paid


def test_batches_over_the_same_wallets_do_not_deadlock() -> None:
    pks = [make_organisation().pk for _ in range(6)]

    def batch(order: list[int], name: str) -> None:
        for number in range(5):
            with transaction.atomic():
                lock_wallets(order)
                for pk in order:
                    take(Organisation.objects.get(pk=pk), 1, f"c{name}{number}#1")

    at_once(lambda: batch(pks, "a"), lambda: batch(pks[::-1], "b"))
    assert set(Wallet.objects.values_list("debt", flat=True)) == {10}


@needs_row_locks
def test_a_sweep_passes_over_a_wallet_that_another_holds() -> None:
    busy, free = make_organisation(), make_organisation()
    at = max(make_lot(one, "1", months=1).expires_at for one in (busy, free))
    held, done = Event(), Event()

    def hold() -> None:
        with transaction.atomic():
            lock_wallet(busy.pk)
            held.set()
            done.wait(timeout=10)

    def sweep() -> int:
        held.wait(timeout=10)
        try:
            return lapse_due_lots(at)
        finally:
            done.set()

    assert at_once(hold, sweep)[1] == 1
    assert Lot.objects.get(lapsed_at=None).organisation_id == busy.pk
    assert lapse_due_lots(at) == 1


@needs_row_locks
def test_a_gift_during_a_move_to_nce_waits_and_is_refused() -> None:
    """By raw insert, past the wallet's lock: the fence reads the mode FOR SHARE."""
    organisation = make_organisation()
    moved = Event()

    def move() -> None:
        with transaction.atomic():
            Organisation.objects.filter(pk=organisation.pk).update(
                billing_mode=BillingMode.NCE
            )
            moved.set()
            # Time for the other to reach the organisation's row and wait there.
            Event().wait(0.3)

    def insert() -> str:
        moved.wait(timeout=10)
        try:
            Lot.objects.create(
                organisation=organisation,
                kind=LotKind.PROMOTIONAL,
                currency="USD",
                original=5,
                issued_at=START,
                expires_at=START + timedelta(days=9),
                time_zone="UTC",
                exhausted_at=START,
                reference="gift:9",
            )
        except IntegrityError as error:
            return fence_code(error)
        return ""

    assert at_once(move, insert)[1] == "credits_not_held"
    assert not Lot.objects.exists()

"""3.10: nothing that was read before the wallets were locked decides under the lock."""

import threading
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from django.db import connection, connections

from accounts.models import BillingMode, BillingModePeriod, Organisation
from calling import ingest, replay
from calling.ingest import Batch, store_batches
from calling.models import Charge, Line, NumberAssignment, Source
from calling.prepare import Prepared
from calling.replay import settle_waiting
from tests.calling.telephony import (
    LATER,
    MORNING,
    charge_of,
    counted_statements,
    give_credit,
    give_number,
    make_card,
    make_line,
    make_record,
    take_in,
)
from tests.makers import START

CHANGED = MORNING + timedelta(hours=1)
AFTER = MORNING + timedelta(hours=2)
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("card"),
]
on_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql",
    reason="On SQLite all is read inside the transaction that locks",
)


def reassign(mei: Line, other: Organisation) -> None:
    number = NumberAssignment.objects.get(line=mei)
    NumberAssignment.objects.filter(pk=number.pk).update(ends_at=CHANGED)
    give_number(other, number.number, line=make_line(other), starts_at=CHANGED)


def activate(mei: Line, other: Organisation) -> None:
    make_card([{"prefix": "81", "rate": "7"}], valid_from=CHANGED)


def move_to_nce(mei: Line, other: Organisation) -> None:
    moved = Organisation.objects.filter(pk=mei.organisation_id)
    moved.update(billing_mode=BillingMode.NCE)
    periods = BillingModePeriod.objects.filter(organisation=mei.organisation)
    periods.update(ends_at=CHANGED)
    BillingModePeriod.objects.create(
        organisation=mei.organisation, billing_mode=BillingMode.NCE, starts_at=CHANGED
    )


class Case(NamedTuple):
    """What somebody changes, and whether a charge was made after it."""

    change: Callable[[Line, Organisation], Any]
    is_after: Callable[[Charge, Organisation], bool]


CASES = [
    pytest.param(
        Case(reassign, lambda charge, other: charge.organisation_id == other.pk),
        id="a number reassigned",
    ),
    pytest.param(
        Case(activate, lambda charge, _: charge.rated_amount == 7_000_000),
        id="a card activated",
    ),
    pytest.param(
        Case(move_to_nce, lambda charge, _: charge.postpaid_amount == 21_000),
        id="an organisation moved to NCE",
    ),
]


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """Another connection commits this when the wallets are about to be locked."""
    waiting: list[Callable[[], Any]] = []

    def change() -> None:
        try:
            waiting.pop()()
        finally:
            connections.close_all()

    for door in (ingest, replay):
        lock: Any = door.lock_wallets

        def lock_later(owners: Iterable[int], *, lock: Any = lock) -> Any:
            if waiting:
                thread = threading.Thread(target=change)
                thread.start()
                thread.join()
            return lock(owners)

        monkeypatch.setattr(door, "lock_wallets", lock_later)
    return waiting.append


@pytest.mark.parametrize("case", CASES)
def test_a_change_after_a_batch_was_judged_ahead_counts_for_it(
    pbx: Source, mei: Line, contoso: Organisation, case: Case
) -> None:
    records = make_record("first"), make_record("second", at=AFTER)
    results = store_batches(pbx, [Batch([record], LATER) for record in records])
    next(results)  # by now the second is prepared
    case.change(mei, contoso)
    assert next(results).stored == 1
    assert case.is_after(charge_of("second"), contoso)
    assert not case.is_after(charge_of("first"), contoso)


@on_postgresql
@pytest.mark.parametrize("case", CASES)
def test_a_change_between_judging_and_locking_counts(
    pbx: Source,
    mei: Line,
    contoso: Organisation,
    elsewhere: Callable[[Callable[[], Any]], None],
    case: Case,
) -> None:
    elsewhere(lambda: case.change(mei, contoso))
    assert take_in(pbx, make_record("call", at=AFTER)).stored == 1
    assert case.is_after(charge_of("call"), contoso)


@on_postgresql
def test_a_replay_sees_a_change_between_judging_and_locking(
    pbx: Source,
    mei: Line,
    contoso: Organisation,
    elsewhere: Callable[[Callable[[], Any]], None],
) -> None:
    number = NumberAssignment.objects.get(line=mei)
    NumberAssignment.objects.filter(pk=number.pk).update(number="+886200000000")
    assert take_in(pbx, make_record("call", at=AFTER)).waiting == 1
    NumberAssignment.objects.filter(pk=number.pk).update(number=number.number)
    elsewhere(lambda: reassign(mei, contoso))
    assert len(settle_waiting(at=LATER)) == 1
    assert charge_of("call").organisation_id == contoso.pk


@on_postgresql
def test_what_changes_without_end_is_judged_under_the_lock(
    pbx: Source, mei: Line, contoso: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Prepared, "still_holds", lambda *_: False)
    give_credit(mei.organisation, "5", at=START)
    assert take_in(pbx, make_record("call", at=AFTER)).stored == 1
    assert charge_of("call").credit_amount == 21_000


@on_postgresql
@pytest.mark.parametrize("case", CASES)
def test_what_is_kept_from_batch_to_batch_is_dropped_once_it_changed(
    pbx: Source,
    mei: Line,
    contoso: Organisation,
    monkeypatch: pytest.MonkeyPatch,
    case: Case,
) -> None:
    asked: list[bool] = []
    ask = Prepared.still_holds

    def remember(self: Prepared, wallets: Any) -> bool:
        asked.append(ask(self, wallets))
        return asked[-1]

    monkeypatch.setattr(Prepared, "still_holds", remember)
    records = [make_record("call-0")]
    records += [make_record(f"call-{n}", at=AFTER) for n in range(1, 6)]
    results = store_batches(pbx, [Batch([record], LATER) for record in records])
    next(results)
    case.change(mei, contoso)
    assert [result.stored for result in results] == [1] * 5
    assert not case.is_after(charge_of("call-0"), contoso)
    assert all(case.is_after(charge_of(f"call-{n}"), contoso) for n in range(1, 6))
    # The second was prepared before the change, and the third beside the second.
    assert asked[:2] == [True, False]
    assert all(asked[3:])


@on_postgresql
def test_a_later_batch_reads_only_what_is_new_to_it(
    pbx: Source, mei: Line, contoso: Organisation
) -> None:
    other = make_line(contoso)
    give_number(contoso, "+886222222222", line=other)
    own = NumberAssignment.objects.get(line=mei).number
    callers = (own, own, "+886222222222", own)
    batches = [
        Batch([make_record(f"call-{place}", caller=caller)], LATER)
        for place, caller in enumerate(callers)
    ]
    results = store_batches(pbx, batches)
    reads = []
    for _ in batches:
        with counted_statements() as statements:
            assert next(results).stored == 1
        reads.append(sum("accounts_organisation" in one for one in statements))
    # The second is prepared before the first is; the third is of somebody else.
    assert reads == [2, 1, 0, 0]
    lines = [charge_of(f"call-{place}").line_id for place in range(len(callers))]
    assert lines == [mei.pk, mei.pk, other.pk, mei.pk]

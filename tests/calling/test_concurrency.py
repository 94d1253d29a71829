"""Two at once: the same records count once, and nothing deadlocks (R2, small)."""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from django.db import OperationalError, connection, connections

from calling import ingest
from calling.formats.record import CallRecordIn
from calling.models import (
    Bucket,
    Charge,
    Line,
    MinutePool,
    RateCardVersion,
    RawRecord,
    Source,
)
from calling.unit import run_unit
from tests.calling.telephony import (
    give_credit,
    give_plan,
    make_line,
    make_record,
    take_in,
)
from tests.makers import make_organisation

transactional = pytest.mark.django_db(transaction=True)
on_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql",
    reason="SQLite's writers take turns; row locks need PostgreSQL",
)


@pytest.fixture
def world(card: RateCardVersion, pbx: Source) -> list[Line]:
    lines = []
    for number in range(4):
        organisation = make_organisation()
        give_credit(organisation, "3")
        line = make_line(organisation, f"+88622345000{number}")
        give_plan(line, {Bucket.INTERNATIONAL: 20})
        lines.append(line)
    return lines


def records_of(lines: list[Line], count: int) -> list[CallRecordIn]:
    return [
        make_record(
            f"r{number}",
            caller=f"+88622345000{number % len(lines)}",
            seconds=30 + number,
        )
        for number in range(count)
    ]


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Runs them in threads that start together; returns results or errors."""
    barrier = threading.Barrier(len(acts))
    results: list[Any] = [None] * len(acts)

    def run(place: int) -> None:
        barrier.wait()
        try:
            results[place] = acts[place]()
        except Exception as error:  # noqa: BLE001  # handed to the test
            results[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[n]) for n in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@transactional
@on_postgresql
def test_the_same_records_from_two_at_once_count_once(
    pbx: Source, world: list[Line]
) -> None:
    records = records_of(world, 60)
    forth, back = records[:], records[::-1]
    results = at_once(
        *[
            lambda part=part, order=order: take_in(pbx, *order[part : part + 20])
            for order in (forth, back)
            for part in (0, 20, 40)
        ]
    )
    assert [result for result in results if isinstance(result, Exception)] == []
    assert sum(result.stored for result in results) == 60
    assert sum(result.duplicates for result in results) == 60
    assert RawRecord.objects.count() == Charge.objects.count() == 60
    assert MinutePool.objects.count() == 4


@transactional
@on_postgresql
def test_records_without_owner_from_two_at_once_count_once(
    pbx: Source, card: RateCardVersion
) -> None:
    """No wallet is locked for them: the unique key decides, the loser reads again."""
    records = [make_record(f"r{number}") for number in range(30)]
    results = at_once(*[lambda: take_in(pbx, *records) for _ in range(4)])
    assert [result for result in results if isinstance(result, Exception)] == []
    assert sum(result.waiting for result in results) == 30
    assert sum(result.duplicates for result in results) == 90


@transactional
@on_postgresql
def test_two_corrections_at_once_are_two_revisions(
    pbx: Source, world: list[Line]
) -> None:
    take_in(pbx, *records_of(world, 1))
    results = at_once(
        *[
            lambda extra=extra: take_in(
                pbx, make_record("r0", caller="+886223450000", seconds=extra)
            )
            for extra in (100, 200, 300, 400)
        ]
    )
    assert [result for result in results if isinstance(result, Exception)] == []
    revisions = Charge.objects.order_by("revision").values_list("revision", flat=True)
    assert list(revisions) == [1, 2, 3, 4, 5]


# --- what runs again, and what stands alone -------------------------------------------


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Exception]]:
    """Errors that settlement raises at its end, one each time it is reached."""
    errors: list[Exception] = []
    settle = ingest.settle_calls  # type: ignore[attr-defined]  # as `ingest` sees it

    def settle_then_fail(*arguments: Any, **more: Any) -> None:
        settle(*arguments, **more)
        if errors:
            raise errors.pop(0)

    monkeypatch.setattr(ingest, "settle_calls", settle_then_fail)
    return errors  # type: ignore[return-value]  # the list is what the test fills


@transactional
def test_b9_a_deadlock_runs_the_whole_batch_again(
    pbx: Source, world: list[Line], failing: list[Exception]
) -> None:
    failing += [OperationalError("deadlock detected")] * 2
    assert take_in(pbx, *records_of(world, 8)).stored == 8
    assert failing == []
    assert Charge.objects.count() == 8


@transactional
def test_what_fails_five_times_is_given_back(
    pbx: Source, world: list[Line], failing: list[Exception]
) -> None:
    failing += [OperationalError("deadlock detected")] * 5
    with pytest.raises(OperationalError):
        take_in(pbx, *records_of(world, 8))
    assert not RawRecord.objects.exists()


def test_a_record_that_the_database_refuses_stands_alone(
    pbx: Source, world: list[Line]
) -> None:
    """Seconds below zero, which no format lets through, break a CHECK."""
    records = records_of(world, 9)
    records[4].billable_seconds = -1
    result = take_in(pbx, *records)
    told = [outcome.status for outcome in result.outcomes]
    assert told == ["stored"] * 4 + ["waiting"] + ["stored"] * 4
    assert result.outcomes[4].reason == "refused"
    raw = RawRecord.objects.get(source_record_id="r4")
    assert (raw.state, raw.reason) == ("waiting", "refused")
    assert Charge.objects.count() == 8


@pytest.mark.django_db
def test_halves_keep_the_order_of_the_results() -> None:
    def work(items: Sequence[int]) -> list[int]:
        if 5 in items:
            raise OverflowError
        return [item * 10 for item in items]

    found = run_unit(list(range(9)), work, lambda item: -item)
    assert found == [0, 10, 20, 30, 40, -5, 60, 70, 80]

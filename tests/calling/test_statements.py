"""The same number of statements for a batch of any size, at most twenty."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from calling import call_areas
from calling.formats.record import CallRecordIn
from calling.ingest import Batch, store_batches
from calling.models import Bucket, Line, Source
from credits.bulk import parts
from tests.calling.telephony import (
    LATER,
    MORNING,
    give_credit,
    give_plan,
    make_line,
    make_record,
    take_in,
)
from tests.makers import make_organisation

pytestmark = pytest.mark.usefixtures("card")

MOST = 20


def make_lines(pbx: Source, count: int) -> list[Line]:
    """Lines of as many organisations, each with two lots and two minutes left."""
    lines = []
    for _ in range(count):
        organisation = make_organisation()
        give_credit(organisation, "0.5")
        give_credit(organisation, "400")
        line = make_line(organisation, f"+8862{organisation.pk:08d}")
        give_plan(line, {Bucket.INTERNATIONAL: 3})
        lines.append(line)
    # Price lists are in memory and this month's pools are there.
    take_in(pbx, *(record_of(line, 60, 0) for line in lines))
    return lines


def record_of(line: Line, seconds: int, number: int) -> CallRecordIn:
    return make_record(
        f"{line.pk}-{number}",
        caller=f"+8862{line.organisation_id:08d}",
        seconds=seconds,
        at=MORNING + timedelta(seconds=number),
    )


def records_of(lines: list[Line], count: int) -> list[CallRecordIn]:
    """The first call of a line outlasts its pool; the others are paid from credit."""
    return [
        record_of(lines[number % len(lines)], 300, number)
        for number in range(1, count + 1)
    ]


def statements_of(source: Source, records: list[CallRecordIn]) -> list[str]:
    """What the database is asked; SQLite's INSERTs in parts count as one."""
    with CaptureQueriesContext(connection) as captured:
        result = take_in(source, *records)
    assert result.stored + result.corrections == len(records)
    return told_by(captured)


def told_by(captured: CaptureQueriesContext) -> list[str]:
    told: list[str] = []
    for query in captured.captured_queries:
        sql = query["sql"]
        if sql.startswith(("SAVEPOINT", "RELEASE")):
            continue  # the test's own transaction is around ours
        if not (told and sql.startswith("INSERT") and told[-1][:50] == sql[:50]):
            told.append(sql)
    return told


def test_the_number_of_statements_does_not_depend_on_the_batch(pbx: Source) -> None:
    counts = [
        len(statements_of(pbx, records_of(make_lines(pbx, spread), size)))
        for size, spread in ((1, 1), (100, 10), (1_000, 1), (2_000, 20))
    ]
    assert len(set(counts)) == 1
    assert counts[0] <= MOST


def test_batches_that_are_prepared_ahead_take_a_constant_number_too(
    pbx: Source,
) -> None:
    counts = []
    for size, spread in ((1, 1), (100, 10), (600, 5)):
        records = records_of(make_lines(pbx, spread), 3 * size)
        batches = [Batch(part, LATER) for part in parts(records, size)]
        with CaptureQueriesContext(connection) as captured:
            results = list(store_batches(pbx, batches))
        assert [result.stored for result in results] == [size] * 3
        counts.append(len(told_by(captured)))
    assert len(set(counts)) == 1
    assert counts[0] <= 3 * MOST


@pytest.mark.slow
def test_ten_thousand_calls_take_no_more_than_one(pbx: Source) -> None:
    one = statements_of(pbx, records_of(make_lines(pbx, 1), 1))
    many = statements_of(pbx, records_of(make_lines(pbx, 20), 10_000))
    assert len(one) == len(many) <= MOST


def test_a_minute_later_a_batch_takes_as_many(
    pbx: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is remembered of countries is kept by the count of changes, not by time."""
    before = statements_of(pbx, records_of(make_lines(pbx, 1), 1))
    lines = make_lines(pbx, 1)
    monkeypatch.setattr(call_areas, "monotonic", lambda: float("inf"))
    assert len(statements_of(pbx, records_of(lines, 1))) == len(before)


def test_corrections_take_a_constant_number_too(pbx: Source) -> None:
    counts = []
    for size, spread in ((1, 1), (40, 4), (300, 10)):
        records = records_of(make_lines(pbx, spread), size)
        take_in(pbx, *records)
        for record in records:
            record.billable_seconds += 60
        counts.append(len(statements_of(pbx, records)))
    assert len(set(counts)) == 1

"""Our side of the ingest rows: a day's file stored and settled, batch by batch.

The clock runs only while the product's own verb does: reading the file into records is
left out; storing the raw row, rating, allocating, posting and the commit are in.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from time import perf_counter

from django.db import connection
from django.db.models import Max

from benchmarks.clean import NotClean, check_clean
from benchmarks.world import BATCH, BOOKED, calls_file
from calling.formats.record import CallRecordIn, Profile
from calling.formats.registry import parse_stream
from calling.ingest import Batch, IngestResult, store_batches
from calling.models import CallRecord, Charge, RawRecord, Source, UsageDay
from credits.models import LedgerEntry

WRITTEN = (RawRecord, CallRecord, Charge, LedgerEntry, UsageDay)


@dataclass(frozen=True)
class IngestRun:
    """How long it took, and the newest ids from before, by table."""

    seconds: float
    marks: dict[str, int]
    batches: int


def ingest(calls: int, *, owner: int | None = None) -> IngestRun:
    """Stores a file of calls; the state is proven before the figure counts.

    All of them are of one organisation where an `owner` is given.
    """
    marks = newest_ids()
    seconds, results = store(calls, owner=owner)
    if sum(result.stored for result in results) != calls:
        raise NotClean(f"{calls} records became {results}")
    check_clean(BOOKED)
    return IngestRun(seconds, marks, len(results))


def store(calls: int, *, owner: int | None = None) -> tuple[float, list[IngestResult]]:
    """Seconds inside the product, and what it answered to each batch."""
    source = Source.objects.get()
    records = read_records(calls, owner=owner)
    batches = []
    while found := list(islice(records, BATCH)):
        batches.append(Batch(found, BOOKED))
    run_down()
    started = perf_counter()
    results = list(store_batches(source, batches))
    return perf_counter() - started, results


def read_records(calls: int, *, owner: int | None = None) -> Iterator[CallRecordIn]:
    profile = Profile.of(Source.objects.get())
    pieces = [calls_file(calls, owner=owner)]
    for row in parse_stream("generic-json", pieces, profile):
        assert isinstance(row, CallRecordIn), row
        yield row


def newest_ids() -> dict[str, int]:
    return {
        model._meta.db_table: model.objects.aggregate(newest=Max("pk"))["newest"] or 0
        for model in WRITTEN
    }


def run_down() -> None:
    """Writes dirty pages now, so that neither side pays for the other's."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("CHECKPOINT")
        else:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")

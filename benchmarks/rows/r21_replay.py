"""Row 21: the same day's file again, against the first time. Nothing may change.

A digest over every row the run may write, taken before and after, proves it.
"""

from hashlib import blake2b

from django.db import connection

from benchmarks.clean import NotClean
from benchmarks.engines import Engine
from benchmarks.ingest_run import WRITTEN, ingest, store
from benchmarks.score import Sample, Score
from credits.models import Lot, Wallet

ROUNDS = 99
SCORE = Score("21", "the same file again", "its first ingest", "calls/s", 2.0)


def scores(engine: str) -> list[Score]:
    return [SCORE]


def play(engine: Engine, calls: int) -> dict[str, Sample]:
    first = ingest(calls)
    before = state_digest()
    seconds, results = store(calls)
    if sum(result.duplicates for result in results) != calls:
        raise NotClean(f"{calls} known records became {results}")
    if state_digest() != before:
        raise NotClean("the same file again changed the state")
    return {"21": Sample(calls / seconds, calls / first.seconds)}


def state_digest() -> str:
    digest = blake2b()
    with connection.cursor() as cursor:
        for model in (Wallet, Lot, *WRITTEN):
            key = model._meta.pk.column
            cursor.execute(f"SELECT * FROM {model._meta.db_table} ORDER BY {key}")
            for row in cursor:
                digest.update(repr(row).encode())
    return digest.hexdigest()

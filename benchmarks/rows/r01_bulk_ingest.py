"""Rows 1 and 1b: the full job of a day's calls against a raw COPY.

Row 1 copies the very rows our run wrote into twin tables; row 1b copies the frozen
reference rows, so a leaner layout counts as a gain. PostgreSQL only.
"""

from functools import lru_cache

from benchmarks.anchors.raw_copy import copy_again
from benchmarks.anchors.reference_rows import (
    Batch,
    copy_reference_rows,
    reference_batches,
)
from benchmarks.engines import Engine
from benchmarks.ingest_run import ingest
from benchmarks.score import Sample, Score
from benchmarks.world import BATCH

ROUNDS = 99
SCORES = [
    Score("1", "bulk ingest, full job", "COPY of the same rows", "calls/s", 0.45),
    Score("1b", "bulk ingest, full job", "COPY of reference rows", "calls/s", 0.55),
]


def scores(engine: str) -> list[Score]:
    return SCORES if engine == "postgresql" else []


def play(engine: Engine, calls: int) -> dict[str, Sample]:
    run = ingest(calls)
    ours = calls / run.seconds
    same_rows = copy_again(engine.url, run.marks, run.batches)
    reference = copy_reference_rows(engine.url, frozen_rows(calls))
    return {
        "1": Sample(ours, calls / same_rows),
        "1b": Sample(ours, calls / reference),
    }


@lru_cache(maxsize=2)
def frozen_rows(calls: int) -> list[Batch]:
    return reference_batches(calls, BATCH)

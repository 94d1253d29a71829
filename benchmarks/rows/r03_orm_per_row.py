"""Row 3: a day's calls in batches against one transaction per call through the ORM.

The anchor stores other calls of the same day in the same tables, one by one, and its
state is proven like ours.
"""

import json
from time import perf_counter

from benchmarks.anchors.orm_per_row import store_one_by_one
from benchmarks.clean import check_clean
from benchmarks.engines import Engine
from benchmarks.ingest_run import ingest
from benchmarks.score import Sample, Score
from benchmarks.world import BOOKED, calls_file
from calling.models import RateCardVersion, Source

ROUNDS = 99
ONE_BY_ONE = 300
SCORE = Score("3", "bulk ingest, full job", "ORM, one transaction", "calls/s", 150)


def scores(engine: str) -> list[Score]:
    return [SCORE] if engine == "postgresql" else []


def play(engine: Engine, calls: int) -> dict[str, Sample]:
    run = ingest(calls)
    lines = calls_file(calls + ONE_BY_ONE).splitlines()[calls:]
    others = [json.loads(line) for line in lines]
    source, version = Source.objects.get(), RateCardVersion.objects.get()
    started = perf_counter()
    store_one_by_one(source, version, others, at=BOOKED)
    anchor = perf_counter() - started
    check_clean(BOOKED)
    return {"3": Sample(calls / run.seconds, ONE_BY_ONE / anchor)}

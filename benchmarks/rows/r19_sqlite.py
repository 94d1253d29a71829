"""Row 19: the full job on SQLite against `executemany` of the same rows."""

from benchmarks.anchors.raw_copy import insert_again
from benchmarks.engines import Engine
from benchmarks.ingest_run import ingest
from benchmarks.score import Sample, Score

ROUNDS = 99
SCORE = Score("19", "bulk ingest, full job", "executemany, same rows", "calls/s", 0.20)


def scores(engine: str) -> list[Score]:
    return [SCORE] if engine == "sqlite" else []


def play(engine: Engine, calls: int) -> dict[str, Sample]:
    run = ingest(calls)
    file = engine.url.removeprefix("sqlite:///")
    anchor = insert_again(file, run.marks, run.batches)
    return {"19": Sample(calls / run.seconds, calls / anchor)}

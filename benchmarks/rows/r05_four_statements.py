"""Row 5: a day's calls in batches against four autocommitted statements per call.

Eight clients store the anchor's calls, each waiting for its own commits.
"""

from benchmarks.anchors.four_statements import store_from_clients
from benchmarks.engines import Engine
from benchmarks.ingest_run import ingest
from benchmarks.score import Sample, Score

ROUNDS = 99
ONE_BY_ONE = 4_000
SCORE = Score("5", "bulk ingest, full job", "4 statements, 8 clients", "calls/s", 20)


def scores(engine: str) -> list[Score]:
    return [SCORE] if engine == "postgresql" else []


def play(engine: Engine, calls: int) -> dict[str, Sample]:
    run = ingest(calls)
    anchor = store_from_clients(engine.url, ONE_BY_ONE)
    return {"5": Sample(calls / run.seconds, ONE_BY_ONE / anchor)}

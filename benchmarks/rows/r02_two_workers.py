"""Row 2: two workers that share the organisations, against one COPY of the same rows.

Each worker is a process of its own and stores the calls of every other organisation;
both begin at once. The time is from the first one's start to the last one's end.
"""

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from benchmarks.anchors.raw_copy import copy_again
from benchmarks.clean import NotClean, check_clean
from benchmarks.engines import Engine
from benchmarks.ingest_run import newest_ids, run_down
from benchmarks.score import Sample, Score
from benchmarks.world import BATCH, BOOKED
from calling.models import CallRecord

ROUNDS = 99
WORKERS = 2
ROOT = Path(__file__).parent.parent.parent
SCORE = Score("2", "bulk ingest, two workers", "one COPY, same rows", "calls/s", 0.60)


def scores(engine: str) -> list[Score]:
    return [SCORE] if engine == "postgresql" else []


def play(engine: Engine, calls: int) -> dict[str, Sample]:
    marks = newest_ids()
    seconds = run_workers(engine.url, calls)
    if CallRecord.objects.count() != calls:
        raise NotClean(f"{calls} records became {CallRecord.objects.count()} calls")
    check_clean(BOOKED)
    anchor = copy_again(engine.url, marks, -(-calls // BATCH))
    return {"2": Sample(calls / seconds, calls / anchor)}


def run_workers(url: str, calls: int) -> float:
    """Seconds until both have committed their last batch."""
    with ExitStack() as stack:
        workers = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "benchmarks.worker", json.dumps(order)],
                    cwd=ROOT,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for order in orders(url, calls)
        ]
        said = [worker.stdout.readline().strip() for worker in workers if worker.stdout]
        if said != ["ready"] * WORKERS:
            raise NotClean("a worker did not start")
        run_down()
        for worker in workers:
            if worker.stdin is not None:
                worker.stdin.write("go\n")
                worker.stdin.flush()
        ended = [worker.communicate(timeout=600)[0] for worker in workers]
    spans = [json.loads(text) for text in ended]
    return float(max(end for _, end in spans) - min(start for start, _ in spans))


def orders(url: str, calls: int) -> list[dict[str, object]]:
    return [
        {"url": url, "calls": calls, "share": share, "of": WORKERS}
        for share in range(WORKERS)
    ]

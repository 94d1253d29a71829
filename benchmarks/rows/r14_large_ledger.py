"""Row 14: the full job with ten million ledger entries in place, against with none.

The entries are small adjustments of each organisation's last lot, copied in by the
product's own writer, fences on; then the database has figures about them, as autovacuum
would see to. It takes some five minutes and gigabytes, so it runs only when it is asked
for by name.
"""

from benchmarks.engines import Engine
from benchmarks.ingest_run import ingest
from benchmarks.many_wallets import tidy
from benchmarks.run_engine import leave
from benchmarks.score import Sample, Score
from benchmarks.world import make_adjustments

ROUNDS = 1
ENTRIES = 10_000_000
FEW = 100_000  # while warming up
SCORE = Score("14", "ingest at 10M entries", "ingest when empty", "calls/s", 0.90)


def scores(engine: str) -> list[Score]:
    return [SCORE] if engine == "postgresql" else []


def play(engine: Engine, calls: int) -> dict[str, Sample]:
    empty = ingest(calls)
    leave(engine.start_round)
    make_adjustments(FEW if calls <= FEW // 10 else ENTRIES)
    tidy()
    full = ingest(calls)
    return {"14": Sample(calls / full.seconds, calls / empty.seconds)}

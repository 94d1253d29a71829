"""Row 6: all calls of one organisation with 60 lots, against a thousand with three.

The same calls, but one organisation makes them all; both in a fresh copy of the world.
"""

from datetime import timedelta

from django.db import transaction

from accounts.models import Organisation
from benchmarks.engines import Engine
from benchmarks.ingest_run import ingest
from benchmarks.run_engine import leave
from benchmarks.score import Sample, Score
from benchmarks.world import make_lots

ROUNDS = 99
MORE_LOTS = 57
SCORE = Score("6", "all of one organisation", "spread over 1,000", "calls/s", 1.0)


def scores(engine: str) -> list[Score]:
    return [SCORE] if engine == "postgresql" else []


def play(engine: Engine, calls: int) -> dict[str, Sample]:
    spread = ingest(calls)
    leave(engine.start_round)
    with transaction.atomic():
        owner = Organisation.objects.order_by("pk")[:1]
        make_lots(list(owner), [20] * MORE_LOTS, name="more", after=timedelta(days=60))
    alone = ingest(calls, owner=0)
    return {"6": Sample(calls / alone.seconds, calls / spread.seconds)}

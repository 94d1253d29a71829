"""Row 15: the sweep over a million wallets of which none is due, against a full scan.

Both are times, so the ratio is how often the sweep runs while the wallets are read once
from end to end and each compared with its trigger.
"""

from collections.abc import Callable
from statistics import median
from time import perf_counter

from django.db import connection

from benchmarks.clean import NotClean, check_clean
from benchmarks.engines import Engine
from benchmarks.many_wallets import make_wallets, tidy
from benchmarks.score import Sample, Score
from benchmarks.world import BOOKED
from billing.recharging.recharge import sweep_recharges

ROUNDS = 3
WALLETS_PER_CALL = 10  # a million where the run has 100,000 calls
SCORE = Score("15", "recharge sweep, none due", "full scan", "runs/s", 500)
SCAN = """
SELECT count(*) FROM credits_wallet
WHERE credit - lapsed - debt - reserved + incoming < "trigger" """


def scores(engine: str) -> list[Score]:
    return [SCORE] if engine == "postgresql" else []


def play(engine: Engine, calls: int) -> dict[str, Sample]:
    make_wallets(calls * WALLETS_PER_CALL)
    tidy()
    sweep = _seconds(_sweep, times=200)
    scan = _seconds(_scan, times=5)
    check_clean(BOOKED)
    return {"15": Sample(1 / sweep, 1 / scan)}


def _sweep() -> None:
    if sweep_recharges(BOOKED):
        raise NotClean("the sweep claimed for a wallet that was not due")


def _scan() -> None:
    with connection.cursor() as cursor:
        cursor.execute(SCAN)
        if cursor.fetchone() != (0,):
            raise NotClean("the scan found a wallet that was due")


def _seconds(work: Callable[[], None], *, times: int) -> float:
    took = []
    for _ in range(times):
        started = perf_counter()
        work()
        took.append(perf_counter() - started)
    return median(took)

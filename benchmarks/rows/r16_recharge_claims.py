"""Row 16: claims for 1,000 due wallets of 100,000, against an UPDATE of those rows.

A claim is the sale, the attempt, and its first try with the payment key, with all
fences on; one transaction claims them all. The aim is 50,000 claims a second; beside it
stands the ratio to an UPDATE of one column of the same 1,000 wallets, in one statement.
Then four sweepers claim for another 1,000 at once, and no wallet may be claimed twice.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import perf_counter

from django.db import connection, connections
from django.db.models import Count

from benchmarks.clean import NotClean, check_clean
from benchmarks.engines import Engine
from benchmarks.many_wallets import make_due, make_wallets, tidy
from benchmarks.score import Sample, Score
from benchmarks.world import BOOKED
from billing.models import RechargeAttempt
from billing.recharging.claim_recharges import claim_due
from billing.recharging.recharge import sweep_recharges

ROUNDS = 5
WALLETS, DUE, SWEEPERS = 100_000, 1_000, 4
WANTED = 50_000  # claims a second
SCORES = [
    Score("16", "recharge claims", "50,000 a second", "/s", 1),
    Score("16u", "recharge claims", "UPDATE of the same wallets", "rows/s", 0),
]


def scores(engine: str) -> list[Score]:
    return SCORES if engine == "postgresql" else []


def play(engine: Engine, calls: int) -> dict[str, Sample]:
    ids = make_wallets(WALLETS)
    spread = ids[:: WALLETS // (2 * DUE)]
    make_due(spread)
    tidy()
    ours = _claim(spread[:DUE])
    theirs = _update(spread[:DUE])
    _four_at_once()
    check_clean(BOOKED + timedelta(minutes=1))
    return {"16": Sample(ours, WANTED), "16u": Sample(ours, theirs)}


def _claim(due: list[int]) -> float:
    """Claims a second; the first half is swept, the other left for the four."""
    started = perf_counter()
    swept = claim_due(BOOKED, limit=DUE)
    took = perf_counter() - started
    if len(swept.claimed) != DUE or swept.last != due[-1]:
        raise NotClean(f"{len(swept.claimed)} claimed of {DUE}")
    return DUE / took


def _update(due: list[int]) -> float:
    started = perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE credits_wallet SET reserved = reserved"
            " WHERE organisation_id = ANY(%s)",
            [due],
        )
    return DUE / (perf_counter() - started)


def _four_at_once() -> None:
    with ThreadPoolExecutor(SWEEPERS) as pool:
        claimed = sum(pool.map(_sweep, range(SWEEPERS)))
    twice = (
        RechargeAttempt.objects.order_by()
        .values("organisation")
        .annotate(claims=Count("id"))
        .filter(claims__gt=1)
    )
    if claimed != DUE or twice.exists():
        raise NotClean(f"four sweepers claimed {claimed} of {DUE}")


def _sweep(_number: int) -> int:
    try:
        return sweep_recharges(BOOKED, limit=DUE // SWEEPERS)
    finally:
        connections.close_all()

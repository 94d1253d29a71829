"""Rows 8, 9 and 10: may this call go on, over HTTP, on the server that is documented.

8: 16 connections over many organisations against a Django view with one SELECT, and how
long the slowest hundredth takes; 9: two connections against a trivial view; 10: all on
one organisation against many. Ours and its anchor take turns within the round, on the
same server. An answer other than `allow` has no result.
"""

import json
import random
import tempfile
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import count
from pathlib import Path

from django.db import connection, transaction
from django.utils import timezone

from accounts.keys import create_key
from accounts.models import Organisation, Scope
from benchmarks.anchors.trivial_view import ONE_SELECT, TRIVIAL
from benchmarks.clean import check_clean
from benchmarks.engines import Engine
from benchmarks.http_load import (
    Load,
    get_request,
    play_load,
    post_request,
    running_server,
)
from benchmarks.score import Sample, Score
from benchmarks.world import OPENED, account_code, make_lots, own_number
from calling.models import Source

ROUNDS = 5
SECONDS = 3.0
# All are remembered by every process, and have used up their plan, before it counts.
MANY, WARM_UP = 100, 3_000
AUTHORISE = "/api/v1/calls/authorize"
_numbers = count(1)


def at_most(times: float) -> Callable[[Sequence[Sample]], bool]:
    """For times: the median of ours is at most so many times the anchor's."""

    def judge(samples: Sequence[Sample]) -> bool:
        ratios = sorted(sample.ratio for sample in samples)
        return ratios[len(ratios) // 2] <= times

    return judge


SCORES = [
    Score("8", "authorise", "a view with one SELECT", "/s", 0.55),
    Score("8 p99", "authorise, p99", "same", "µs", 2.0, at_most(2.0)),
    Score("9 p50", "authorise, 2 conn., p50", "trivial view", "µs", 5.0, at_most(5.0)),
    Score("9 p99", "authorise, 2 conn., p99", "same", "µs", 3.0, at_most(3.0)),
    Score("10", "authorise, 1 organisation", "100 of them", "/s", 0.85),
]


def scores(engine: str) -> list[Score]:
    return SCORES if engine == "postgresql" else []


def play(engine: Engine, calls: int) -> dict[str, Sample]:
    secret = make_switch()
    connection.close()
    many, one = questions(secret, MANY), questions(secret, 1)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_server(engine.url, Path(folder) / "server.log") as port,
    ):
        for make in (many, one, get_request(ONE_SELECT)):
            play_load(port, 16, SECONDS, make, at_least=WARM_UP)
        select = play_load(port, 16, SECONDS, get_request(ONE_SELECT))
        ours = play_load(port, 16, SECONDS, many)
        hot = play_load(port, 16, SECONDS, one)
        spread = play_load(port, 16, SECONDS, many)
        trivial = play_load(port, 2, SECONDS, get_request(TRIVIAL))
        calm = play_load(port, 2, SECONDS, many)
    check_clean(timezone.now())
    return {
        "8": Sample(ours.per_second, select.per_second),
        "8 p99": times(ours, select, 0.99),
        "9 p50": times(calm, trivial, 0.5),
        "9 p99": times(calm, trivial, 0.99),
        "10": Sample(hot.per_second, spread.per_second),
    }


def times(ours: Load, anchor: Load, share: float) -> Sample:
    return Sample(1e6 * ours.percentile(share), 1e6 * anchor.percentile(share))


def make_switch() -> str:
    """Funds that are valid today, and the secret of a switch that may ask."""
    organisations = list(Organisation.objects.order_by("pk"))
    today = timezone.now() - OPENED
    with transaction.atomic():
        later = today + timedelta(days=90)
        make_lots(organisations, (1_000_000,), name="now", after=later)
    key, secret = create_key(
        "bench", organisation=None, scopes=[Scope.CALLS_AUTHORIZE], at=timezone.now()
    )
    Source.objects.update(api_key=key)
    return secret


def questions(secret: str, organisations: int) -> Callable[[], bytes]:
    """Makes one question after the other, each about another call."""
    chance = random.Random(organisations)

    def make() -> bytes:
        owner = chance.randrange(organisations)
        asked = {
            "call_id": f"{next(_numbers):09d}@192.0.2.20",
            "from": own_number(owner, chance.randrange(5)),
            "to": f"+8190{chance.randrange(10_000_000, 99_999_999)}",
            "direction": "outbound",
            "account_code": account_code(owner),
            "requested_duration_s": 600,
        }
        return post_request(AUTHORISE, secret, json.dumps(asked).encode())

    return make

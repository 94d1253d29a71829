"""Row 12: the longest prefix in memory against one indexed query per number.

A card of 150,000 prefixes. The anchor asks the database for all prefixes of a number at
once and takes the longest. On SQLite, inside the process, a query costs a fifth and is
no anchor. Loading has limits of its own: 0.3 s and 60 MB.
"""

import random
import tracemalloc
from time import perf_counter, perf_counter_ns

from django.db import connection

from benchmarks.clean import NotClean
from benchmarks.engines import Engine
from benchmarks.score import Sample, Score
from benchmarks.world import BOOKED, SEED
from calling.models import Rate, RateCardVersion
from calling.rate_table import RateTable, rate_table
from credits.bulk import insert_rows

ROUNDS = 5
PREFIXES = 150_000
NUMBERS = 200_000
ASKED = 500  # numbers that the anchor looks up
LONGEST_LOAD = 0.3  # seconds
MOST_MEMORY = 60  # MB
SCORES = [
    Score("12", "prefix match, 150k prefixes", "one query a number", "nums/s", 80),
    Score("12t", "loads of the card", "0.3 s a load", "/min", 1),
    Score("12m", "cards in a gigabyte", "60 MB a card", "cards", 1),
]
COLUMNS = ("version_id", "prefix", "destination", "country", "number_type")
PRICES = ("rate_per_minute", "connect_fee", "interval_1", "interval_n")
LAST = ("minimum_charge", "is_blocked")


def scores(engine: str) -> list[Score]:
    return SCORES if engine == "postgresql" else []


def play(engine: Engine, calls: int) -> dict[str, Sample]:
    chance = random.Random(SEED)
    version = make_card(chance)
    numbers = [f"+{chance.randrange(10**10, 10**12)}" for _ in range(NUMBERS)]
    started = perf_counter()
    table = rate_table(version.pk, not_cached())
    load = perf_counter() - started
    started = perf_counter()
    found = [table.find(number, BOOKED) for number in numbers]
    ours = NUMBERS / (perf_counter() - started)
    started = perf_counter()
    asked = [ask(version, number) for number in numbers[:ASKED]]
    anchor = ASKED / (perf_counter() - started)
    if asked != [rate and rate.prefix for rate in found[:ASKED]]:
        raise NotClean("memory and database found other prefixes")
    return {
        "12": Sample(ours, anchor),
        "12t": Sample(60 / load, 60 / LONGEST_LOAD),
        "12m": Sample(1_000 / memory_of(version), 1_000 / MOST_MEMORY),
    }


def make_card(chance: random.Random) -> RateCardVersion:
    """Another version of the card, with 150,000 prefixes of three to eight digits."""
    known = RateCardVersion.objects.get()
    version = RateCardVersion.objects.create(
        card=known.card,
        number=2,
        valid_from=BOOKED,
        digest="large",
        rate_count=PREFIXES,
        imported_at=BOOKED,
    )
    prefixes: dict[str, None] = {}
    while len(prefixes) < PREFIXES:
        prefixes[str(chance.randrange(10 ** chance.randrange(3, 9)))] = None
    same = (0, 60, 60, 0, False)
    rows = [
        (version.pk, prefix, f"Place {prefix[:4]}", "JP", "fixed", price, *same)
        for prefix, price in zip(
            prefixes, range(10_000, 10_000 + PREFIXES), strict=True
        )
    ]
    insert_rows(Rate, COLUMNS + PRICES + LAST, rows)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return version


def not_cached() -> str:
    """A digest under which no table is in memory yet."""
    return f"bench {perf_counter_ns()}"


def ask(version: RateCardVersion, number: str) -> str | None:
    """The anchor: the rate's row by the unique index over version and prefix."""
    digits = number[1:]
    prefixes = [digits[:length] for length in range(1, len(digits) + 1)]
    marks = ", ".join(["%s"] * len(prefixes))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT prefix, rate_per_minute, connect_fee, interval_1, interval_n "
            f"FROM calling_rate WHERE version_id = %s AND prefix IN ({marks}) "
            "ORDER BY length(prefix) DESC LIMIT 1",
            [version.pk, *prefixes],
        )
        row = cursor.fetchone()
    return str(row[0]) if row else None


def memory_of(version: RateCardVersion) -> float:
    """Megabytes that the loaded card keeps."""
    tracemalloc.start()
    table: RateTable = rate_table(version.pk, not_cached())
    kept, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert table.rates
    return kept / 1_000_000

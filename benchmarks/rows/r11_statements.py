"""Row 11: a batch takes the same number of statements, whatever its size; a call one.

The databases themselves count: PostgreSQL reports every statement it is sent, COPY
included, SQLite every statement it runs. A run of equal INSERTs or UPDATEs counts as
one on SQLite; BEGIN and COMMIT do not count, nor does what triggers run: they are the
fences. Rate cards are in memory by then, as they are in a running process.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, groupby, islice
from typing import Any

from django.db import connection

from benchmarks.clean import NotClean
from benchmarks.engines import Engine
from benchmarks.ingest_run import read_records
from benchmarks.score import Sample, Score
from benchmarks.world import BOOKED, own_number
from calling.authorise.authorise import authorise_call
from calling.authorise.question import Question
from calling.ingest import Batch, store_batches
from calling.models import Source

ROUNDS = 1
SIZES = (1, 1, 100, 10_000)  # the first only fills the caches
WARM_UP, ASKED = 10, 10  # calls; the first use up what the plan has left
IN_A_ROW = 3  # batches, of which all but the first are prepared ahead
MOST = 20
# Longer than a pool has seconds: even a batch of one draws from pool and lot, and has
# all there is to write. What has no rows takes no statement.
LONGER = 3_600


def same_and_few(samples: Sequence[Sample]) -> bool:
    return all(sample.ratio == 1 and sample.ours <= MOST for sample in samples)


SCORE = Score(
    "11",
    "most statements a batch",
    "fewest, of batches of 1, 100 and 10,000 (same, at most 20)",
    "stmts",
    1.0,
    same_and_few,
)


ONE_EACH = Score(
    "11 call",
    "statements for the money of a call",
    "one",
    "stmts",
    1.0,
    lambda samples: all(sample.ours == 1 for sample in samples),
)


def scores(engine: str) -> list[Score]:
    return [SCORE, ONE_EACH] if engine == "postgresql" else [SCORE]


def play(engine: Engine, calls: int) -> dict[str, Sample]:
    records = read_records(IN_A_ROW * sum(SIZES))
    source = Source.objects.get()
    counts = []
    for size in SIZES:
        batches = [list(islice(records, size)) for _ in range(IN_A_ROW)]
        for record in chain(*batches):
            record.billable_seconds += LONGER
        with statements() as run:
            list(store_batches(source, [Batch(batch, BOOKED) for batch in batches]))
        counts.append(len(run) / IN_A_ROW)
    samples = {"11": Sample(max(counts[1:]), min(counts[1:]))}
    if engine.name == "postgresql":
        samples["11 call"] = Sample(most_a_call(source), 1)
    return samples


def most_a_call(source: Source) -> int:
    """Statements of an allowed call, once its organisation is remembered."""
    most = 0
    for number in range(WARM_UP + ASKED):
        question = Question(str(number), "+819012345678", own_number(0, 0))
        with statements() as run:
            answer = authorise_call(question, source, at=BOOKED)
        if answer.decision != "allow":
            raise NotClean(f"A call was not let through: {answer.body}")
        most = max(most, len(run)) if number >= WARM_UP else 0
    return most


@contextmanager
def statements() -> Iterator[list[str]]:
    """Gathers the statements the database was sent, after the block ends."""
    connection.ensure_connection()
    sent: list[str] = []
    watch = _watch_sqlite if connection.vendor == "sqlite" else _watch_postgresql
    gathered: list[str] = []
    with watch(connection.connection, gathered):
        yield sent
    sent += [text for text in gathered if not re.match("BEGIN|COMMIT", text)]


@contextmanager
def _watch_postgresql(driver: Any, gathered: list[str]) -> Iterator[None]:
    def note(diagnostic: Any) -> None:
        said = diagnostic.message_primary
        if found := re.match(r"(?:statement|execute [^:]+): (.*)", said):
            gathered.append(found[1])

    driver.add_notice_handler(note)
    driver.execute("SET client_min_messages = log")
    driver.execute("SET log_statement = 'all'")
    gathered.clear()
    try:
        yield
    finally:
        driver.execute("SET log_statement = 'none'")
        gathered.pop()  # the line above
        driver.execute("RESET client_min_messages")
        driver.remove_notice_handler(note)


@contextmanager
def _watch_sqlite(driver: Any, gathered: list[str]) -> Iterator[None]:
    ran: list[str] = []
    driver.set_trace_callback(ran.append)
    try:
        yield
    finally:
        driver.set_trace_callback(None)
        # The statements of a trigger are reported as comments.
        shapes = [_shape(text) for text in ran if not text.startswith("--")]
        gathered += [shape for shape, _run in groupby(shapes)]


def _shape(statement: str) -> str:
    """A statement without its values, which the trace has filled in."""
    if found := re.match(r"INSERT INTO .*? VALUES", statement, re.DOTALL):
        return found[0]
    return re.sub(r"'(?:[^']|'')*'|\b\d+\b|NULL", "?", statement)

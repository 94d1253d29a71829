"""The frozen anchor of row 1b: raw COPY of reference rows that never change.

Per call one record of 20 columns (about 350 bytes), two entries of 9 columns and 1.2
draws of 4, each table with a primary key and one unique index. Nothing is rated, looked
up or locked. DDL, seed and row contents are frozen: a leaner layout of ours counts as a
gain, so this file may not follow it.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from time import perf_counter

import psycopg

SEED = 20260101
ORGANISATIONS = 1_000
LOTS_EACH = 3
START = datetime(2026, 3, 2, tzinfo=UTC)

DDL = """
DROP TABLE IF EXISTS reference_draw, reference_entry, reference_record;
CREATE TABLE reference_record (
    id bigint PRIMARY KEY, organisation_id bigint NOT NULL, source_id bigint NOT NULL,
    source_record_id varchar(200) NOT NULL, digest varchar(64) NOT NULL,
    call_id varchar(200) NOT NULL, direction varchar(8) NOT NULL,
    kind varchar(24) NOT NULL, caller varchar(32) NOT NULL, callee varchar(32) NOT NULL,
    started_at timestamptz NOT NULL, answered_at timestamptz, ended_at timestamptz,
    billable_ms bigint NOT NULL, prefix varchar(16) NOT NULL,
    rate_per_minute bigint NOT NULL, rated_amount bigint NOT NULL,
    currency varchar(3) NOT NULL, state varchar(10) NOT NULL, body text NOT NULL,
    UNIQUE (organisation_id, source_id, source_record_id));
CREATE TABLE reference_entry (
    id bigint PRIMARY KEY, organisation_id bigint NOT NULL, kind varchar(15) NOT NULL,
    account varchar(15) NOT NULL, amount bigint NOT NULL,
    reference varchar(100) NOT NULL, wallet_seq bigint NOT NULL,
    event_at timestamptz NOT NULL, booked_at timestamptz NOT NULL,
    UNIQUE (organisation_id, reference, account));
CREATE TABLE reference_draw (
    id bigint PRIMARY KEY, entry_id bigint NOT NULL, lot_id bigint NOT NULL,
    amount bigint NOT NULL, UNIQUE (entry_id, lot_id));
"""
TABLES = ("reference_record", "reference_entry", "reference_draw")
Batch = tuple[bytes, bytes, bytes]


def reference_batches(calls: int, batch: int) -> list[Batch]:
    """The text COPY reads, batch by batch; made before the clock starts."""
    chance = random.Random(SEED)
    ids = Ids()
    return [
        _batch(chance, ids, first, min(batch, calls - first))
        for first in range(0, calls, batch)
    ]


class Ids:
    """Counters that run through all batches."""

    def __init__(self) -> None:
        self.entry = 0
        self.draw = 0
        self.seq = [0] * ORGANISATIONS


def _batch(chance: random.Random, ids: Ids, first: int, size: int) -> Batch:
    records: list[str] = []
    entries: list[str] = []
    draws: list[str] = []
    for number in range(first, first + size):
        organisation = chance.randrange(ORGANISATIONS)
        amount = chance.randrange(10_000, 400_000)
        started = START + timedelta(seconds=number * 0.8)
        records.append(_record(chance, number, organisation, amount, started))
        entries.extend(_entries(ids, number, organisation, amount, started))
        draws.extend(_draws(chance, ids, organisation, amount))
    return tuple("".join(rows).encode() for rows in (records, entries, draws))  # type: ignore[return-value]


def _record(
    chance: random.Random,
    number: int,
    organisation: int,
    amount: int,
    started: datetime,
) -> str:
    seconds = chance.randrange(1, 900)
    caller = f"+8862{chance.randrange(10**8):08d}"
    callee = f"+8190{chance.randrange(10**8):08d}"
    answered = started + timedelta(seconds=6)
    body = (
        f'{{"id":"ref-{number:08d}","from":"{caller}","to":"{callee}",'
        f'"answered_at":"{answered:%Y-%m-%dT%H:%M:%SZ}","billable_s":{seconds}}}'
    )
    values = (
        number + 1,
        organisation + 1,
        1,
        f"ref-{number:08d}",
        f"{chance.getrandbits(128):032x}",
        f"{number:08d}@192.0.2.20",
        "outbound",
        "international",
        caller,
        callee,
        f"{started:%Y-%m-%d %H:%M:%S}+00",
        f"{answered:%Y-%m-%d %H:%M:%S}+00",
        f"{answered + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S}+00",
        seconds * 1000,
        "8190",
        150_000,
        amount,
        "USD",
        "settled",
        body,
    )
    return "\t".join(map(str, values)) + "\n"


def _entries(
    ids: Ids, number: int, organisation: int, amount: int, started: datetime
) -> Iterator[str]:
    for account, signed in (("liability", -amount), ("revenue", amount)):
        ids.entry += 1
        ids.seq[organisation] += 1
        yield (
            f"{ids.entry}\t{organisation + 1}\tspend\t{account}\t{signed}"
            f"\tcall:{number + 1}#1\t{ids.seq[organisation]}"
            f"\t{started:%Y-%m-%d %H:%M:%S}+00\t2026-03-03 00:00:00+00\n"
        )


def _draws(
    chance: random.Random, ids: Ids, organisation: int, amount: int
) -> Iterator[str]:
    """One lot pays, or (every fifth call) two lots share."""
    lot = chance.randrange(LOTS_EACH - 1)
    shares = [amount] if chance.random() < 0.8 else [amount // 2, amount - amount // 2]
    for offset, share in enumerate(shares):
        ids.draw += 1
        lot_id = organisation * LOTS_EACH + lot + offset + 1
        yield f"{ids.draw}\t{ids.entry}\t{lot_id}\t{share}\n"


def copy_reference_rows(url: str, batches: list[Batch]) -> float:
    """Seconds to COPY all batches, one transaction each, into empty tables."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(DDL)
        connection.execute("CHECKPOINT")
        started = perf_counter()
        for batch in batches:
            with connection.transaction(), connection.cursor() as cursor:
                for table, rows in zip(TABLES, batch, strict=True):
                    with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                        copy.write(rows)
        return perf_counter() - started

"""The anchor of row 5: four autocommitted statements per call, from several clients.

The shape of older billing systems: INSERT the call, UPDATE the account, UPDATE two rows
that all calls share. No lots, no ledger, no rating. Frozen. Each client is a process
of its own, so that none waits for another's interpreter.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from time import monotonic

import psycopg

SEED = 20260101
ACCOUNTS = 1_000
CLIENTS = 8
START = datetime(2026, 3, 2, tzinfo=UTC)

DDL = """
DROP TABLE IF EXISTS four_call, four_account, four_total;
CREATE TABLE four_call (
    id bigint PRIMARY KEY, account_id bigint NOT NULL, caller varchar(32) NOT NULL,
    callee varchar(32) NOT NULL, started_at timestamptz NOT NULL,
    seconds integer NOT NULL, cost bigint NOT NULL);
CREATE INDEX ON four_call (account_id, started_at);
CREATE TABLE four_account (id bigint PRIMARY KEY, balance bigint NOT NULL);
CREATE TABLE four_total (
    id bigint PRIMARY KEY, calls bigint NOT NULL, seconds bigint NOT NULL,
    cost bigint NOT NULL);
INSERT INTO four_account SELECT id, 1000000000 FROM generate_series(1, 1000) AS id;
INSERT INTO four_total VALUES (1, 0, 0, 0), (2, 0, 0, 0);
"""
INSERT = "INSERT INTO four_call VALUES (%s, %s, %s, %s, %s, %s, %s)"
CHARGE = "UPDATE four_account SET balance = balance - %s WHERE id = %s"
TOTAL = (
    "UPDATE four_total SET calls = calls + 1, seconds = seconds + %s, cost = cost + %s "
    "WHERE id = %s"
)
Call = tuple[int, int, str, str, datetime, int, int]


def store_from_clients(url: str, calls: int) -> float:
    """Seconds that the clients need for so many calls altogether."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(DDL)
        connection.execute("CHECKPOINT")
    spawning = get_context("spawn")
    together = spawning.Barrier(CLIENTS)
    share = calls // CLIENTS
    spans = spawning.Queue()
    clients = [
        spawning.Process(target=_client, args=(url, number, share, together, spans))
        for number in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    found = [spans.get(timeout=600) for _ in clients]
    for client in clients:
        client.join()
    return float(max(end for _, end in found) - min(start for start, _ in found))


def _client(url: str, number: int, calls: int, together, spans) -> None:  # type: ignore[no-untyped-def]  # the types of a spawning context
    work = list(_calls(number, calls))
    with psycopg.connect(url, autocommit=True) as connection:
        together.wait(timeout=600)
        started = monotonic()
        for call in work:
            _, account, _, _, _, seconds, cost = call
            connection.execute(INSERT, call)
            connection.execute(CHARGE, [cost, account])
            connection.execute(TOTAL, [seconds, cost, 1])
            connection.execute(TOTAL, [seconds, cost, 2])
        spans.put((started, monotonic()))


def _calls(client: int, count: int) -> Iterator[Call]:
    chance = random.Random(SEED + client)
    for number in range(count):
        yield (
            client * count + number,
            chance.randrange(1, ACCOUNTS + 1),
            f"+8862{chance.randrange(10**8):08d}",
            f"+8190{chance.randrange(10**8):08d}",
            START + timedelta(seconds=number),
            chance.randrange(1, 900),
            chance.randrange(10_000, 400_000),
        )

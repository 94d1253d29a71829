"""Runs a statement that each connection prepares once; PostgreSQL alone.

For the one statement that is asked all day (reserve_at_once.py). It goes to the server
by its number, its values in the server's own spelling: what a cursor does around that
(looking at types, waiting in Python) took longer than the server takes to answer.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import psycopg
from django.db import connection
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

# OIDs of bigint, bigint[], text, boolean and timestamptz.
INT, INTS, TEXT, BOOL, MOMENT = 20, 1016, 25, 16, 1184
Row = list[str | None]
Values = Sequence[Any]  # bytes, and None for null


class Prepared(NamedTuple):
    """A statement with `$1`…, and the types of these; the name is its own alone."""

    name: bytes
    text: bytes
    types: Sequence[int]


_PREPARED: WeakKeyDictionary["psycopg.Connection[Any]", set[bytes]] = (
    WeakKeyDictionary()
)


def run_prepared(statement: Prepared, values: Values) -> Row | None:
    """The first row, as text; None without one. One trip to the server.

    Part of the caller's transaction, else committed with its answer. Raises Django's
    database errors.
    """
    connection.ensure_connection()
    driver: psycopg.Connection[Any] = connection.connection
    with connection.wrap_database_errors:
        _begin_if_asked(driver)
        known = _PREPARED.setdefault(driver, set())
        if statement.name not in known:
            _check(driver.pgconn, driver.pgconn.prepare(*statement))
            known.add(statement.name)
        result = driver.pgconn.exec_prepared(statement.name, values)
        _check(driver.pgconn, result)
    if not result.ntuples:
        return None
    found = [result.get_value(0, place) for place in range(result.nfields)]
    return [None if value is None else value.decode() for value in found]


def _begin_if_asked(driver: "psycopg.Connection[Any]") -> None:
    """psycopg begins a transaction with its own first statement, and this is none."""
    if driver.autocommit:
        return
    if driver.pgconn.transaction_status == TransactionStatus.IDLE:
        driver.execute("SELECT 1")


def _check(server: PGconn, result: PGresult) -> None:
    if result.status in {ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK}:
        return
    if server.status == ConnStatus.BAD:
        raise psycopg.OperationalError(server.get_error_message())
    raise error_from_result(result)

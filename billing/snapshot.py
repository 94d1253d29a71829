"""Reads everything as of one moment, and can write nothing meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def one_snapshot() -> Iterator[None]:
    """Within, every read sees the same moment; other people's writes go on.

    Inside a transaction that is already open (a test's) that transaction is used.
    """
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield
    else:
        with _deferred_on_sqlite():
            yield


@contextmanager
def _deferred_on_sqlite() -> Iterator[None]:
    # Our transactions begin IMMEDIATE and would wait for the writer's lock.
    usual = connection.transaction_mode  # type: ignore[attr-defined]  # SQLite's own
    connection.transaction_mode = "DEFERRED"  # type: ignore[attr-defined]
    try:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA query_only = ON")
        with transaction.atomic():
            yield
    finally:
        connection.transaction_mode = usual  # type: ignore[attr-defined]
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA query_only = OFF")

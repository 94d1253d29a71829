"""Test-only `flush`: lifts the append-only fences, empties the tables, restores them.

Production's `flush` stays refused by the fences. Transactional tests and live servers
call it between tests; everything happens in one transaction. What a migration seeds
stays: no later test, and no later run in the same database, starts without it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.commands.flush import Command as FlushCommand
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from calling.models import CallCountry

SEEDED = (CallCountry,)


class Command(FlushCommand):
    def handle(self, **options: Any) -> None:
        connection = connections[options["database"]]
        with transaction.atomic(using=options["database"]), fences_lifted(connection):
            seeded = [list(model.objects.all()) for model in SEEDED]
            super().handle(**options)
            for model, rows in zip(SEEDED, seeded, strict=True):
                model.objects.bulk_create(rows)


@contextmanager
def fences_lifted(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Triggers off within the block, back on after it."""
    lift = _lifted_postgresql if connection.vendor == "postgresql" else _lifted_sqlite
    with connection.cursor() as cursor, lift(cursor):
        yield


@contextmanager
def _lifted_postgresql(cursor: Any) -> Iterator[None]:
    cursor.execute(
        "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"
    )
    tables = [row[0] for row in cursor.fetchall()]
    _switch(cursor, tables, "DISABLE")
    yield
    _switch(cursor, tables, "ENABLE")


def _switch(cursor: Any, tables: list[str], how: str) -> None:
    # A table whose foreign keys still wait to be checked cannot be altered.
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table in tables:
        cursor.execute(f"ALTER TABLE {table} {how} TRIGGER USER")
    cursor.execute("SET CONSTRAINTS ALL DEFERRED")


@contextmanager
def _lifted_sqlite(cursor: Any) -> Iterator[None]:
    cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    triggers = cursor.fetchall()
    for name, _ in triggers:
        cursor.execute(f'DROP TRIGGER "{name}"')
    yield
    for _, sql in triggers:
        cursor.execute(sql)

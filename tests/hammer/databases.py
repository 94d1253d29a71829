"""The databases of these tests: real ones, since other processes open them.

Only ever the run's own test database and copies of it, `test_tollgate_…` by name.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection
from psycopg import sql

Rows = list[tuple[Any, ...]]


def url_of(name: str = "") -> str:
    """The URL by which another process reaches the test database, or a copy of it."""
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{name or settings['NAME']}"
    who = f"{settings['USER']}:{settings['PASSWORD']}"
    where = f"{settings['HOST']}:{settings['PORT'] or 5432}"
    return f"postgres://{who}@{where}/{name or settings['NAME']}"


@contextmanager
def copy_of_database(folder: Path, name: str) -> Iterator[str]:
    """The URL of a copy of the test database as it stands now."""
    connection.close()
    if connection.vendor == "sqlite":
        copy = folder / f"test_tollgate_{name}.sqlite3"
        # Not the file alone: another connection may keep rows in the WAL beside it.
        with (
            closing(sqlite3.connect(connection.settings_dict["NAME"])) as original,
            closing(sqlite3.connect(copy)) as twin,
        ):
            original.backup(twin)
        yield url_of(str(copy))
        return
    yield from _copy_on_postgresql(name)


def _copy_on_postgresql(name: str) -> Iterator[str]:
    original = connection.settings_dict["NAME"]
    copy_name = f"{original}_{name}"
    assert copy_name.startswith("test_tollgate_")
    names = {"copy": sql.Identifier(copy_name), "original": sql.Identifier(original)}
    drop = sql.SQL("DROP DATABASE IF EXISTS {copy} WITH (FORCE)").format(**names)
    create = sql.SQL("CREATE DATABASE {copy} TEMPLATE {original}").format(**names)
    # A template may have no other session; an earlier test's thread may be one.
    idle = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
    with psycopg.connect(url_of("postgres"), autocommit=True) as server:
        server.execute(drop)
        server.execute(idle, [original])
        server.execute(create)
        try:
            yield url_of(copy_name)
        finally:
            server.execute(drop)


def ask(url: str, question: str) -> Rows:
    """The answer of a database that Django is not connected to."""
    if url.startswith("sqlite:///"):
        file = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=20)
        try:
            return file.execute(question).fetchall()
        finally:
            file.close()
    with psycopg.connect(url) as server:
        return server.execute(question.encode()).fetchall()

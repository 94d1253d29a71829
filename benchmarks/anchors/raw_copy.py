"""The anchor of rows 1 and 19: exactly the rows our run wrote, written raw.

Our new rows are read back, then loaded into empty twin tables with the same columns,
checks, indices and foreign keys, but no fences: by COPY on PostgreSQL, by `executemany`
on SQLite, in as many transactions as our run had batches.
"""

import re
import sqlite3
from itertools import pairwise
from time import perf_counter

import psycopg

# table → the largest id before our run; newer rows are the run's.
Marks = dict[str, int]


def copy_again(url: str, marks: Marks, batches: int) -> float:
    """Seconds that PostgreSQL needs to COPY our rows into their twins."""
    with psycopg.connect(url, autocommit=True) as connection:
        rows = {table: _dump(connection, table, mark) for table, mark in marks.items()}
        for table in marks:
            _make_twin(connection, table)
        shares = {table: _shares(lines, batches) for table, lines in rows.items()}
        connection.execute("CHECKPOINT")
        started = perf_counter()
        for number in range(batches):
            with connection.transaction(), connection.cursor() as cursor:
                for table in marks:
                    with cursor.copy(f"COPY twin_{table} FROM STDIN") as copy:
                        copy.write(shares[table][number])
        return perf_counter() - started


def _dump(connection: psycopg.Connection, table: str, mark: int) -> list[bytes]:
    """The new rows as COPY writes them; it sends one row at a time."""
    query = f"COPY (SELECT * FROM {table} WHERE id > {mark} ORDER BY id) TO STDOUT"
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        return [bytes(row) for row in copy]


def _make_twin(connection: psycopg.Connection, table: str) -> None:
    twin = f"twin_{table}"
    connection.execute(f"DROP TABLE IF EXISTS {twin}")
    connection.execute(f"CREATE TABLE {twin} (LIKE {table} INCLUDING ALL)")
    keys = connection.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE conrelid = %s::regclass AND contype = 'f'",
        [table],
    ).fetchall()
    for name, definition in keys:
        connection.execute(
            f"ALTER TABLE {twin} ADD CONSTRAINT twin_{name[:50]} {definition}"
        )


def _shares(lines: list[bytes], batches: int) -> list[bytes]:
    """The lines in as many equal shares as there were batches."""
    cuts = [len(lines) * number // batches for number in range(batches + 1)]
    return [b"".join(lines[start:end]) for start, end in pairwise(cuts)]


def insert_again(file: str, marks: Marks, batches: int) -> float:
    """Seconds that SQLite needs to `executemany` our rows into their twins."""
    connection = sqlite3.connect(file, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    try:
        rows = {
            table: connection.execute(
                f"SELECT * FROM {table} WHERE id > ? ORDER BY id", [mark]
            ).fetchall()
            for table, mark in marks.items()
        }
        for table in marks:
            _make_twin_file(connection, table)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        started = perf_counter()
        for number in range(batches):
            connection.execute("BEGIN IMMEDIATE")
            for table, found in rows.items():
                start, end = (
                    len(found) * number // batches,
                    len(found) * (number + 1) // batches,
                )
                if start < end:
                    marks_for_values = ",".join("?" * len(found[0]))
                    connection.executemany(
                        f"INSERT INTO twin_{table} VALUES ({marks_for_values})",
                        found[start:end],
                    )
            connection.execute("COMMIT")
        return perf_counter() - started
    finally:
        connection.close()


def _make_twin_file(connection: sqlite3.Connection, table: str) -> None:
    connection.execute(f"DROP TABLE IF EXISTS twin_{table}")
    made = connection.execute(
        "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL "
        "AND type IN ('table', 'index') ORDER BY type DESC",
        [table],
    ).fetchall()
    for (statement,) in made:
        renamed = re.sub(
            rf'(CREATE TABLE |ON )"{table}"', rf'\1"twin_{table}"', statement
        )
        renamed = re.sub(r'(CREATE (?:UNIQUE )?INDEX )"(\w+)"', r'\1"twin_\2"', renamed)
        connection.execute(renamed)

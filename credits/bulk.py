"""Writes many rows in a few statements; the one place where the engines differ.

Values are column values already: ints, texts, aware datetimes, None. PostgreSQL takes
a COPY, and an UPDATE from arrays; SQLite takes INSERTs of 200 rows, since a table with
a trigger pays for every statement, and one prepared UPDATE. No model is instantiated.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, cast

from django.db import connection
from django.db.models import Field, Model

ROWS_PER_INSERT = 200
ROWS_PER_WRITE = 500
Rows = Sequence[Sequence[Any]]  # any column value a driver takes
_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


def insert_rows(model: type[Model], columns: Sequence[str], rows: Rows) -> None:
    """Inserts the rows; the database gives ids where `columns` names none."""
    if not rows:
        return
    if connection.vendor == "postgresql":
        _copy(model, columns, rows)
    else:
        _insert(model, columns, rows)


def update_rows(
    model: type[Model], key: str, columns: Sequence[str], rows: Rows
) -> None:
    """Sets the columns of the rows whose key leads each sequence of values."""
    if not rows:
        return
    if connection.vendor == "postgresql":
        _update_from_arrays(model, [key, *columns], rows)
    else:
        _update_each(model, [key, *columns], rows)


def reserve_ids(model: type[Model], count: int) -> Sequence[int]:
    """Ids that no other row will get, ascending; without gaps unless others write."""
    if count == 0:
        return range(0)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # The sequence is looked up once, not per id: it is in a query of its own.
            cursor.execute(
                "SELECT array_agg(nextval((SELECT"
                " pg_get_serial_sequence(%s, %s)::regclass)))"
                " FROM generate_series(1, %s)",
                [model._meta.db_table, model._meta.pk.column, count],
            )
            return cast("list[int]", cursor.fetchone()[0])
        return _reserve_sqlite(cursor, model._meta.db_table, count)


def quoted(names: Sequence[str]) -> str:
    return ", ".join(connection.ops.quote_name(name) for name in names)


# --- PostgreSQL -----------------------------------------------------------------------


def _copy(model: type[Model], columns: Sequence[str], rows: Rows) -> None:
    table = connection.ops.quote_name(model._meta.db_table)
    command = f"COPY {table} ({quoted(columns)}) FROM STDIN"
    # Django's cursor has no COPY; psycopg's own, inside the same transaction, has. Its
    # errors are to be Django's, like those of every other statement.
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.cursor.copy(command) as copy,
    ):
        # Piece by piece: the server stores one while the next is written down.
        for start in range(0, len(rows), ROWS_PER_WRITE):
            piece = zip(*rows[start : start + ROWS_PER_WRITE], strict=True)
            lines = zip(*map(_copy_texts, piece), strict=True)
            copy.write("\n".join(map("\t".join, lines)) + "\n")


def _copy_texts(values: Sequence[object]) -> Sequence[str]:
    """One column in COPY's text format. Whole columns are several times faster."""
    if values.count(values[0]) == len(values):
        return [_copy_text(values[0])] * len(values)
    kinds = set(map(type, values))
    if kinds == {int}:
        return list(map(str, values))
    if kinds == {datetime}:
        return list(map(datetime.isoformat, cast("Sequence[datetime]", values)))
    if kinds == {str}:
        texts = cast("Sequence[str]", values)
        if not _SPECIAL.search("\x00".join(texts)):
            return texts
    return list(map(_copy_text, values))


def _copy_text(value: Any) -> str:
    if value is None:
        return "\\N"
    return _SPECIAL.sub(lambda found: _ESCAPES[found.group()], str(value))


def _update_from_arrays(model: type[Model], columns: Sequence[str], rows: Rows) -> None:
    names = [connection.ops.quote_name(column) for column in columns]
    types = [_field(model, column).rel_db_type(connection) for column in columns]
    arrays = ", ".join(f"%s::{kind}[]" for kind in types)
    sets = ", ".join(f"{name} = new.{name}" for name in names[1:])
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} AS old SET {sets}"  # noqa: S608  # names of our models
            f" FROM unnest({arrays}) AS new ({', '.join(names)})"
            f" WHERE old.{names[0]} = new.{names[0]}",
            [list(values) for values in zip(*rows, strict=True)],
        )


# --- SQLite ---------------------------------------------------------------------------


def _insert(model: type[Model], columns: Sequence[str], rows: Rows) -> None:
    table = connection.ops.quote_name(model._meta.db_table)
    head = f"INSERT INTO {table} ({quoted(columns)}) VALUES "  # noqa: S608  # our models
    group = f"({', '.join(['%s'] * len(columns))})"
    with connection.cursor() as cursor:
        for part in _parts(_stored(rows), len(columns)):
            values = [value for row in part for value in row]
            cursor.execute(head + ", ".join([group] * len(part)), values)


def _update_each(model: type[Model], columns: Sequence[str], rows: Rows) -> None:
    names = [connection.ops.quote_name(column) for column in columns]
    table = connection.ops.quote_name(model._meta.db_table)
    sets = ", ".join(f"{name} = %s" for name in names[1:])
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {table} SET {sets} WHERE {names[0]} = %s",  # noqa: S608  # our models
            [(*row[1:], row[0]) for row in _stored(rows)],
        )


def _reserve_sqlite(cursor: Any, table: str, count: int) -> range:
    # AUTOINCREMENT's own counter: ids of deleted rows are not given again.
    cursor.execute(
        "UPDATE sqlite_sequence SET seq = seq + %s WHERE name = %s RETURNING seq",
        [count, table],
    )
    row = cursor.fetchone()
    if row is None:
        cursor.execute("INSERT INTO sqlite_sequence VALUES (%s, %s)", [table, count])
    last = row[0] if row else count
    return range(last - count + 1, last + 1)


def _parts(rows: Rows, width: int) -> Iterator[Rows]:
    # 32,766 variables a statement is SQLite's own limit; Django's is far lower.
    size = min(ROWS_PER_INSERT, 32_000 // width)
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _stored(rows: Rows) -> Rows:
    """The rows with datetimes as Django stores them: naive UTC texts."""
    columns = map(_stored_column, zip(*rows, strict=True))
    return list(zip(*columns, strict=True))


def _stored_column(values: Sequence[Any]) -> Sequence[Any]:
    if datetime not in set(map(type, values)):
        return values
    adapt = connection.ops.adapt_datetimefield_value
    known = {value: adapt(value) for value in set(values)}
    return [known[value] for value in values]


def _field(model: type[Model], column: str) -> "Field[Any, Any]":
    return next(field for field in model._meta.fields if field.column == column)

"""Writes many rows in a few statements; the one place where the engines differ.

Values are column values already: ints, texts, aware datetimes, None. PostgreSQL takes
a COPY, and an UPDATE from arrays; SQLite takes INSERTs of 200 rows, since a table with
a trigger pays for every statement, and one prepared UPDATE. No model is instantiated.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple, cast

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Field, Model, QuerySet
from psycopg.adapt import Loader

ROWS_PER_INSERT = 200
ROWS_PER_WRITE = 500
Rows = Sequence[Sequence[Any]]  # any column value a driver takes
_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


class Table(NamedTuple):
    """Rows to be inserted; the database gives ids where `columns` names none."""

    model: type[Model]
    columns: Sequence[str]
    rows: Rows


def insert_rows(model: type[Model], columns: Sequence[str], rows: Rows) -> None:
    """Inserts rows into one table."""
    insert_tables([Table(model, columns, rows)])


def insert_tables(tables: Iterable[Table]) -> None:
    """Inserts into one table after the other.

    Give a generator: PostgreSQL stores one table while the next is being made, so what
    the generator computes in between costs little time. It must not query there.
    """
    filled = (table for table in tables if table.rows)
    if connection.vendor == "postgresql":
        _copy_each(filled)
    else:
        for table in filled:
            _insert(table)


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


def read_rows(rows: "QuerySet[Any, tuple[Any, ...]]") -> list[tuple[Any, ...]]:
    """The rows of a `values_list`, for those who read thousands of times a batch.

    Most of such a read goes into times: Django's way costs as much as a whole row.
    """
    if connection.vendor != "postgresql":
        return list(rows)
    compiler = rows.query.get_compiler(connection.alias)
    try:
        query = compiler.as_sql()
    except EmptyResultSet:  # among nothing, as Django sees without asking
        return []
    with connection.cursor() as cursor:
        cursor.cursor.adapters.register_loader("timestamptz", _TimeLoader)
        cursor.execute(*query)
        return list(compiler.results_iter([cursor.fetchall()]))


def array_of(values: Sequence[Any]) -> str | list[Any]:
    """An array parameter for PostgreSQL; written here where it is numbers or times.

    The driver writes them one by one, which takes several times as long.
    """
    if set(map(type, values)) <= {int, date, datetime, type(None)}:
        texts = ("NULL" if value is None else str(value) for value in values)
        return f"{{{','.join(texts)}}}"
    return list(values)


def quoted(names: Sequence[str]) -> str:
    return ", ".join(connection.ops.quote_name(name) for name in names)


# --- PostgreSQL -----------------------------------------------------------------------


class _TimeLoader(Loader):
    """Reads `2026-03-02 00:00:00+00`, which needs no parser of its own."""

    def load(self, data: bytes | bytearray | memoryview) -> datetime:
        return datetime.fromisoformat(bytes(data).decode())


def _copy_each(tables: Iterable[Table]) -> None:
    coming = iter(tables)
    table = next(coming, None)
    pieces: Iterable[str] = _pieces(table)
    while table is not None:
        name = connection.ops.quote_name(table.model._meta.db_table)
        command = f"COPY {name} ({quoted(table.columns)}) FROM STDIN"
        # Django's cursor has no COPY; psycopg's own, inside the same transaction, has.
        # Its errors are to be Django's, like those of every other statement.
        with (
            connection.cursor() as cursor,
            connection.wrap_database_errors,
            cursor.cursor.copy(command) as copy,
        ):
            for piece in pieces:
                copy.write(piece)
            # Sent, not stored: the server is busy until this block ends.
            table = next(coming, None)
            pieces = list(_pieces(table))


def _pieces(table: Table | None) -> Iterator[str]:
    rows: Rows = table.rows if table is not None else ()
    for start in range(0, len(rows), ROWS_PER_WRITE):
        columns = zip(*rows[start : start + ROWS_PER_WRITE], strict=True)
        lines = zip(*map(_copy_texts, columns), strict=True)
        yield "\n".join(map("\t".join, lines)) + "\n"


def _copy_texts(values: Sequence[object]) -> Sequence[str]:
    """One column in COPY's text format. Whole columns are several times faster."""
    if values.count(values[0]) == len(values):
        return [_copy_text(values[0])] * len(values)
    kinds = set(map(type, values))
    if kinds <= {int, type(None)}:
        return ["\\N" if value is None else str(value) for value in values]
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
            list(map(array_of, zip(*rows, strict=True))),
        )


# --- SQLite ---------------------------------------------------------------------------


def _insert(table: Table) -> None:
    name = connection.ops.quote_name(table.model._meta.db_table)
    width = len(table.columns)
    head = f"INSERT INTO {name} ({quoted(table.columns)}) VALUES "  # noqa: S608  # ours
    group = f"({', '.join(['%s'] * width)})"
    with connection.cursor() as cursor:
        for part in _parts(_stored(table.rows), width):
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

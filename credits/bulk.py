"""Writes many rows in a few statements; the one place where the engines differ.

Values are column values already: ints, texts, aware datetimes, None. PostgreSQL takes
a COPY, and an UPDATE from arrays; SQLite takes INSERTs of 200 rows, since a table with
a trigger pays for every statement, and one prepared UPDATE. No model is instantiated.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar, cast

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Field, Model, QuerySet
from psycopg.abc import AdaptContext
from psycopg.adapt import Loader

from credits.meanwhile import Ahead, meanwhile

ROWS_PER_INSERT = 200
ROWS_PER_PART = 2 * ROWS_PER_INSERT
Item = TypeVar("Item")
Rows = Sequence[Sequence[Any]]  # any column value a driver takes
# The text of a time in UTC is put together from these: a tenth of what isoformat takes.
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTES = [f"{minute // 60:02}:{minute % 60:02}" for minute in range(1440)]
_SECONDS = [f"{second:02}+00" for second in range(60)]
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


def parts(items: Sequence[Item], size: int = ROWS_PER_PART) -> Iterator[Sequence[Item]]:
    """A batch in pieces that take a millisecond or two, for `insert_tables`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def insert_tables(tables: Iterable[Table]) -> None:
    """Inserts into one table after the other.

    Rows of one table may come in several parts, one after the other. Give a generator:
    PostgreSQL stores one part while the next is being made, so what the generator
    computes in between costs little time. It must not query there.
    """
    if connection.vendor == "postgresql":
        _copy_each(tables)
    else:
        for table in tables:
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


def add_to_rows(model: type[Model], column: str, sums: Mapping[int, int]) -> None:
    """Adds to one column of the rows whose ids are given; one statement."""
    if not sums:
        return
    table, name = model._meta.db_table, connection.ops.quote_name(column)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                f"UPDATE {table} AS old SET {name} = old.{name} + more.amount"  # noqa: S608  # names of our models
                " FROM unnest(%s::bigint[], %s::bigint[]) AS more (id, amount)"
                " WHERE old.id = more.id",
                [array_of(list(sums)), array_of(list(sums.values()))],
            )
        else:
            cursor.executemany(
                f"UPDATE {table} SET {name} = {name} + %s WHERE id = %s",  # noqa: S608  # names of our models
                [(amount, pk) for pk, amount in sums.items()],
            )


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
    """Reads `2026-03-02 00:00:00+00`, which needs no parser of its own.

    One reader reads one answer; there the same times come again and again.
    """

    def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
        super().__init__(oid, context)
        self._known: dict[bytes, datetime] = {}

    def load(self, data: bytes | bytearray | memoryview) -> datetime:
        text = bytes(data)
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = datetime.fromisoformat(text.decode())
        return known


class _Part(NamedTuple):
    """Some rows as COPY reads them, and into which table."""

    command: str
    text: str


def _copy_each(tables: Iterable[Table]) -> None:
    ahead = Ahead(_copied(tables))
    with meanwhile(ahead):
        for command, coming in groupby(ahead, attrgetter("command")):
            # Django's cursor has no COPY; psycopg's own, in the same transaction, has.
            # Its errors are to be Django's, like those of every other statement.
            with (
                connection.cursor() as cursor,
                connection.wrap_database_errors,
                cursor.cursor.copy(command) as copy,
            ):
                for part in coming:
                    copy.write(part.text)


def _copied(tables: Iterable[Table]) -> Iterator[_Part | None]:
    for table in tables:
        name = connection.ops.quote_name(table.model._meta.db_table)
        command = f"COPY {name} ({quoted(table.columns)}) FROM STDIN"
        yield None
        for rows in parts(table.rows):
            yield _Part(command, _copy_text(rows))


def _copy_text(rows: Rows) -> str:
    """Rows in COPY's text format. Whole columns are several times faster."""
    line, varying = [], []
    for values in zip(*rows, strict=True):
        first = values[0]
        if first == values[-1] and values.count(first) == len(values):
            line.append(_text_of(first).replace("%", "%%"))
        else:
            line.append("%s")
            varying.append(_texts_of(values))
    template = "\t".join(line) + "\n"
    if not varying:
        return template % () * len(rows)
    return "".join(map(template.__mod__, zip(*varying, strict=True)))


def _texts_of(values: Sequence[Any]) -> Sequence[Any]:
    """What to write for the values of a column."""
    kinds = set(map(type, values))
    if kinds == {int}:
        return values
    if kinds == {int, type(None)}:
        return ["\\N" if value is None else value for value in values]
    if kinds == {datetime}:
        return list(map(_time_text, values))
    if kinds == {str}:
        text = "".join(values)
        if not any(special in text for special in _ESCAPES):
            return values
    return list(map(_text_of, values))


def _time_text(at: datetime) -> str:
    passed = at - _EPOCH
    if passed.microseconds:
        return at.isoformat()
    minute, second = divmod(passed.seconds, 60)
    return f"{_date_text(passed.days)} {_MINUTES[minute]}:{_SECONDS[second]}"


@lru_cache(maxsize=1000)
def _date_text(days: int) -> str:
    return str((_EPOCH + timedelta(days)).date())


def _text_of(value: Any) -> str:
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

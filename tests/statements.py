"""Counts the statements of a block the way the scoreboard does (performance row 11)."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby

from django.db import connection
from django.test.utils import CaptureQueriesContext


class Count:
    """How many statements ran; filled in when the block ends."""

    statements = 0


@contextmanager
def counted() -> Iterator[Count]:
    """A run of equal long INSERTs counts as one, as SQLite writes 200 rows a time.

    A COPY goes past Django's log and is not counted: one for each table that is filled.
    """
    count = Count()
    with CaptureQueriesContext(connection) as captured:
        yield count
    heads = [_head(query["sql"]) for query in captured.captured_queries]
    count.statements = sum(1 for _ in groupby(heads))


def _head(sql: str) -> str:
    insert = re.match(r"INSERT INTO \S+ \([^)]*\)", sql)
    return insert.group() if insert else sql

"""Whether what calls are judged by is still as it was read (rule 3.10).

The database counts the changes: of numbers and of what the provider keeps (price lists,
areas, sources) in one row, of an organisation's own beside its wallet. Whoever judges
calls asks for the counts, then reads, then locks the wallets, and compares.
"""

from typing import NamedTuple

from django.db import connection


class FactsCounts(NamedTuple):
    """The changes so far that concern everybody."""

    provider: int
    numbers: int


UNCOUNTED = FactsCounts(1, 1)


def read_facts_counts() -> FactsCounts:
    """The counts as committed; one statement."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT provider, numbers FROM calling_factsversion")
        return FactsCounts(*(cursor.fetchone() or UNCOUNTED))

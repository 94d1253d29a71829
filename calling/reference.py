"""Whether what calls are judged by is still as it was read (rule 3.10).

The database counts the changes: of numbers and of what the provider keeps (price lists,
areas, sources) in one row, of an organisation's own beside its wallet. Whoever judges
calls asks for the counts, then reads, then locks the wallets, and compares.
"""

from typing import NamedTuple

from django.db import connection

# A row that is not there yet has counted nothing: 1 for all, 0 for no organisation.
_READ = """SELECT coalesce((SELECT provider FROM calling_factsversion), 1),
  coalesce((SELECT numbers FROM calling_factsversion), 1),
  coalesce((SELECT facts_version FROM credits_wallet WHERE organisation_id = %s), 0)"""


class FactsCounts(NamedTuple):
    """The changes so far: two counts that concern everybody, and an organisation's."""

    provider: int
    numbers: int
    organisation: int = 0


UNCOUNTED = FactsCounts(1, 1)


def read_facts_counts(organisation_id: int | None = None) -> FactsCounts:
    """The counts as committed; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_READ, [organisation_id])
        return FactsCounts(*cursor.fetchone())

"""Ledger entries as rows of a CSV file, as on the Credits page and on statements."""

from collections.abc import Iterable, Iterator

from accounts.models import Organisation
from credits.models import EntryKind, LedgerEntry
from credits.money import amount_text
from credits.write_csv import local_cell, utc_cell

ENTRY_HEADING = (
    "booked_at_utc",
    "booked_at_local",
    "happened_at_utc",
    "kind",
    "amount",
    "ledger_balance",
    "currency",
    "reference",
    "note",
)


def entry_rows(
    organisation: Organisation, entries: Iterable[LedgerEntry]
) -> Iterator[list[str]]:
    """A row to an entry, in the order given; amounts exact to six places."""
    for entry in entries:
        yield [
            utc_cell(entry.booked_at),
            local_cell(entry.booked_at, organisation.zone),
            utc_cell(entry.event_at),
            EntryKind(entry.kind).value,
            amount_text(entry.amount),
            amount_text(entry.balance_after),
            organisation.currency,
            entry.reference,
            entry.note,
        ]

"""Posts ledger entries: the only way money moves (rule 3.3).

Two statements for any number of entries: they are inserted, whereupon the database's
fence moves lots and wallets, and the wallets are written back. The wallets are locked
by the caller and stand in memory afterwards as they stand in the database.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from credits.bulk import Table, insert_tables
from credits.draft import EntryDraft, WalletDraft
from credits.models import LedgerEntry, Wallet
from credits.refresh import refresh_wallets

__all__ = [
    "EntryDraft",
    "WalletDraft",
    "entries_of",
    "entry_table",
    "post_drafts",
    "post_entries",
]

COLUMNS = (
    "organisation_id",
    "wallet_seq",
    "kind",
    "lot_id",
    "amount",
    "balance_after",
    "reference",
    "event_at",
    "booked_at",
    "note",
    "actor_id",
    "reverses_id",
)


def post_entries(
    wallets: Mapping[int, Wallet], drafts: Sequence[EntryDraft], *, at: datetime
) -> None:
    """Writes the entries in the order given and the wallets they move."""
    if not drafts:
        return
    insert_tables([entry_table(wallets, drafts, at=at)])
    refresh_wallets([wallets[pk] for pk in {draft.organisation_id for draft in drafts}])


def entry_table(
    wallets: Mapping[int, Wallet], drafts: Iterable[EntryDraft], *, at: datetime
) -> Table:
    """The entries as rows, their wallets moved in memory.

    For a batch that inserts them among other tables; it then refreshes the wallets.
    """
    rows = []
    for draft in drafts:
        wallet = wallets[draft.organisation_id]
        wallet.last_seq += 1
        if draft.lot_id is None:
            wallet.debt -= draft.amount
        else:
            wallet.credit += draft.amount
        rows.append(
            (
                draft.organisation_id,
                wallet.last_seq,
                draft.kind,
                draft.lot_id,
                draft.amount,
                wallet.credit - wallet.debt,
                draft.reference,
                draft.event_at,
                at,
                draft.note,
                draft.actor_id,
                draft.reverses_id,
            )
        )
    return Table(LedgerEntry, COLUMNS, rows)


def post_drafts(
    wallets: Mapping[int, Wallet], drafts: Iterable[WalletDraft], *, at: datetime
) -> None:
    """Posts what each wallet planned."""
    post_entries(wallets, entries_of(drafts), at=at)


def entries_of(drafts: Iterable[WalletDraft]) -> list[EntryDraft]:
    """All that the wallets planned, debt paid from what may pay it (rule 3.6)."""
    entries: list[EntryDraft] = []
    for draft in drafts:
        draft.pay_debt()
        entries += draft.entries
    return entries

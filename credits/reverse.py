"""Undoes what an event posted, with opposite entries (rules 3.3 and 6.7).

A debt that was paid already is opened again first: its payments are reversed, newest
first, and whatever they paid beyond it is paid again at once from the same lots. Money
that returns to a lot whose expiry was posted reverses that posting as well; the sweep
posts a new one. Reading costs five statements at most, for any number of events;
planning is pure; the caller locks, plans what comes after, and posts.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet, Sum, Window

from credits.draft import DEBT, PAY_DEBT, SPEND, WalletDraft
from credits.draw import LotView, in_burn_order
from credits.lock import lock_wallet
from credits.lots import read_live_lots, read_lots
from credits.models import EntryKind, LedgerEntry, Wallet
from credits.money import Micros
from credits.post import post_drafts

EXPIRE = EntryKind.EXPIRE.value
CREDIT_CALL = EntryKind.CREDIT_CALL.value
# What a call posts, and what staff gave back of it: undone together (rule 3.9).
OF_A_CALL = (SPEND, DEBT, CREDIT_CALL)
# What makes a debt smaller without a call being undone: entries without lot, positive.
SETTLE_DEBT = (PAY_DEBT, EntryKind.ADJUST.value, EntryKind.DEBT_INVOICED.value)


class PastEntry(NamedTuple):
    """A posted entry that nothing has reversed yet."""

    organisation_id: int
    id: int
    wallet_seq: int
    kind: str
    lot_id: int | None
    amount: Micros
    reference: str
    event_at: datetime


@dataclass
class Past:
    """What one wallet has posted, as far as undoing needs it."""

    events: dict[str, list[PastEntry]] = field(default_factory=dict)
    settlements: list[list[PastEntry]] = field(default_factory=list)  # newest first
    expiries: dict[int, PastEntry] = field(default_factory=dict)
    lots: dict[int, LotView] = field(default_factory=dict)


def read_pasts(
    wallets: Mapping[int, Wallet],
    references: Mapping[int, Collection[str]],
    *,
    kinds: Collection[str] = OF_A_CALL,
) -> dict[int, Past]:
    """By organisation, what the named events posted; the wallets are locked."""
    pasts = {pk: Past({ref: [] for ref in refs}) for pk, refs in references.items()}
    names = {name for refs in references.values() for name in refs}
    if not names:
        return pasts
    posted = _standing(pasts).filter(kind__in=kinds, reference__in=names)
    for entry in _read(posted):
        events = pasts[entry.organisation_id].events
        if entry.reference in events:
            events[entry.reference].append(entry)
    _read_settlements(wallets, pasts)
    _read_lots_and_expiries(pasts)
    return pasts


def undo(
    draft: WalletDraft, past: Past, *, note: str = "", actor_id: int | None = None
) -> dict[str, frozenset[int]]:
    """Plans the undoing of every event of `past`; before anything else is planned.

    Answers, by reference, with the lots that got money back: they may pay the corrected
    call, however late it is.
    """
    _open_paid_debts(draft, past)
    for entries in past.events.values():
        for entry in _in_turn(draft, past, entries):
            _reverse(draft, past, entry, note=note, actor_id=actor_id)
    return {
        reference: frozenset(entry.lot_id for entry in entries if entry.lot_id)
        for reference, entries in past.events.items()
    }


def reverse_event(
    organisation_id: int,
    reference: str,
    *,
    at: datetime,
    kinds: Collection[str] = OF_A_CALL,
    note: str = "",
    actor_id: int | None = None,
) -> Micros:
    """Undoes one event on its own; returns by how much the balance rose."""
    with transaction.atomic():
        wallets = {organisation_id: lock_wallet(organisation_id)}
        wallet = wallets[organisation_id]
        before = wallet.ledger_balance
        pasts = read_pasts(wallets, {organisation_id: [reference]}, kinds=kinds)
        lots = read_live_lots([organisation_id], at=at)[organisation_id]
        draft = WalletDraft(wallet, lots, at=at)
        undo(draft, pasts[organisation_id], note=note, actor_id=actor_id)
        post_drafts(wallets, [draft], at=at)
    return wallet.ledger_balance - before


# --- planning -------------------------------------------------------------------------


def _open_paid_debts(draft: WalletDraft, past: Past) -> None:
    owed = _debt_in(past)
    settlements = iter(past.settlements)
    newest: list[PastEntry] = []
    while draft.debt < owed:
        newest = next(settlements)
        for entry in reversed(newest):
            _reverse(draft, past, entry)
    surplus = draft.debt - owed
    if newest and surplus:
        _settle_again(draft, past, newest, surplus)


def _settle_again(
    draft: WalletDraft, past: Past, group: list[PastEntry], surplus: Micros
) -> None:
    """Keeps what a settlement had settled beyond the debt that is being undone."""
    reference = f"{next(iter(past.events))}:kept"
    if group[0].kind == PAY_DEBT:
        payers = [past.lots[entry.lot_id] for entry in group if entry.lot_id]
        draft.pay_from(in_burn_order(map(draft.lot, payers)), surplus, reference)
    else:
        draft.add(group[0].kind, None, surplus, reference, group[0].event_at)


def _in_turn(
    draft: WalletDraft, past: Past, entries: list[PastEntry]
) -> list[PastEntry]:
    """Newest first; but what was given back and is spent since comes off last.

    A lot has between nothing and its original amount at every line.
    """

    def is_spent(entry: PastEntry) -> bool:
        if entry.lot_id is None or entry.amount < 0:
            return False
        expiry = past.expiries.get(entry.lot_id)
        left = draft.lot(past.lots[entry.lot_id]).remaining
        return left - (expiry.amount if expiry else 0) < entry.amount

    ordered = entries[::-1]
    ordered.sort(key=is_spent)
    return ordered


def _reverse(
    draft: WalletDraft,
    past: Past,
    entry: PastEntry,
    *,
    note: str = "",
    actor_id: int | None = None,
) -> None:
    if entry.lot_id in past.expiries:
        _reverse(draft, past, past.expiries.pop(entry.lot_id))
    lot = None if entry.lot_id is None else draft.lot(past.lots[entry.lot_id])
    draft.add(
        entry.kind,
        lot,
        -entry.amount,
        f"{entry.reference}:undo",
        entry.event_at,
        note=note,
        actor_id=actor_id,
        reverses_id=entry.id,
    )


def _debt_in(past: Past) -> Micros:
    entries = (entry for event in past.events.values() for entry in event)
    return -sum(entry.amount for entry in entries if entry.lot_id is None)


# --- reading --------------------------------------------------------------------------


def _standing(organisation_ids: Iterable[int]) -> "QuerySet[LedgerEntry]":
    """Entries that stand: neither reversed nor reversing."""
    reversal = LedgerEntry.objects.filter(
        organisation=OuterRef("organisation"), reverses=OuterRef("pk")
    )
    return LedgerEntry.objects.filter(
        ~Exists(reversal), reverses=None, organisation__in=list(organisation_ids)
    )


def _read(entries: "QuerySet[LedgerEntry]") -> list[PastEntry]:
    rows = entries.order_by("organisation_id", "wallet_seq")
    return [PastEntry(*row) for row in rows.values_list(*PastEntry._fields)]


def _read_settlements(wallets: Mapping[int, Wallet], pasts: dict[int, Past]) -> None:
    """The newest settlements that together reach what is missing, newest first."""
    missing = {pk: _debt_in(past) - wallets[pk].debt for pk, past in pasts.items()}
    short = {pk: amount for pk, amount in missing.items() if amount > 0}
    if not short:
        return
    newer = Window(
        Sum("amount"),
        partition_by=[F("organisation_id")],
        order_by=F("wallet_seq").desc(),
    )
    needed = _standing(short).filter(lot=None, kind__in=SETTLE_DEBT)
    needed = needed.annotate(newer=newer)
    needed = needed.filter(newer__lt=F("amount") + max(short.values()))
    groups = {
        (entry.organisation_id, entry.kind, entry.reference): [entry]
        for entry in _read(needed)
    }
    names = {reference for _, _, reference in groups}
    payers = _standing(short).filter(lot__isnull=False, kind=PAY_DEBT)
    for entry in _read(payers.filter(reference__in=names)):
        group = groups.get((entry.organisation_id, entry.kind, entry.reference), [])
        group.insert(-1, entry)
    for (pk, *_), group in reversed(groups.items()):
        pasts[pk].settlements.append(group)


def _read_lots_and_expiries(pasts: dict[int, Past]) -> None:
    named = {
        entry.lot_id
        for past in pasts.values()
        for group in (*past.events.values(), *past.settlements)
        for entry in group
        if entry.lot_id is not None
    }
    if not named:
        return
    for pk, lots in read_lots(named).items():
        pasts[pk].lots = {lot.id: lot for lot in lots}
    for entry in _read(_standing(pasts).filter(kind=EXPIRE, lot__in=named)):
        if entry.lot_id is not None:
            pasts[entry.organisation_id].expiries[entry.lot_id] = entry

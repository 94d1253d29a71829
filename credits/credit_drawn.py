"""Returns part of what an event took to the lots it took it from (rule 3.9).

First what is still owed for it, then the lots, the one drawn last first. A lot that has
expired takes nothing back, since nobody could spend it. An event is credited once; a
correction that undoes the event undoes its credit as well. The caller locks the wallet.
"""

from datetime import datetime
from typing import NamedTuple

from credits.draft import DEBT, SPEND, WalletDraft
from credits.draw import LotView
from credits.lots import read_live_lots
from credits.models import LedgerEntry, Wallet
from credits.money import Micros
from credits.post import post_drafts
from credits.refusals import CallCreditedBefore, CallNotCredited
from credits.reverse import CREDIT_CALL, Past, read_pasts


class _Share(NamedTuple):
    """What can go to one lot, or off the debt where there is none."""

    lot: LotView | None
    amount: Micros


def creditable(wallet: Wallet, reference: str, *, at: datetime) -> Micros:
    """How much of an event can be returned now; nothing once it was credited."""
    if _is_credited(wallet, reference):
        return 0
    return sum(share.amount for share in _shares(wallet, reference, at))


def credit_drawn(
    wallet: Wallet,
    reference: str,
    amount: Micros,
    *,
    note: str,
    actor_id: int,
    at: datetime,
) -> None:
    """Posts the entries; raises CallCreditedBefore or CallNotCredited."""
    if _is_credited(wallet, reference):
        raise CallCreditedBefore
    shares = _shares(wallet, reference, at)
    if not 0 < amount <= sum(share.amount for share in shares):
        raise CallNotCredited
    lots = read_live_lots([wallet.organisation_id], at=at)[wallet.organisation_id]
    draft = WalletDraft(wallet, lots, at=at)
    for share in shares:
        part = min(amount, share.amount)
        if part:
            draft.add(
                CREDIT_CALL,
                share.lot and draft.lot(share.lot),
                part,
                reference,
                at,
                note=note,
                actor_id=actor_id,
            )
            amount -= part
    # The call itself may have paid debt under its own name (rule 3.6).
    draft.pay_debt(f"{reference}:credit:debt")
    post_drafts({wallet.organisation_id: wallet}, [draft], at=at)


def _shares(wallet: Wallet, reference: str, at: datetime) -> list[_Share]:
    past = _past(wallet, reference)
    taken = past.events[reference]
    owed = -sum(entry.amount for entry in taken if entry.lot_id is None)
    shares = [_Share(None, min(owed, wallet.debt))]
    for entry in reversed(taken):
        lot = past.lots[entry.lot_id] if entry.lot_id is not None else None
        if lot is not None and at < lot.expires_at:
            shares.append(_Share(lot, -entry.amount))
    return shares


def _past(wallet: Wallet, reference: str) -> Past:
    pk = wallet.organisation_id
    return read_pasts({pk: wallet}, {pk: [reference]}, kinds=(SPEND, DEBT))[pk]


def _is_credited(wallet: Wallet, reference: str) -> bool:
    mine = LedgerEntry.objects.filter(
        organisation=wallet.organisation_id, kind=CREDIT_CALL, reference=reference
    )
    return mine.exists()

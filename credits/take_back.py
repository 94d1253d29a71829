"""Takes credit back when the money for it goes back (rules 3.3 and 4.7).

One event takes an amount from named lots, in burn order; what they do not have left is
debt, which other spendable lots pay at once (rule 3.6). How much may be taken without
touching what live calls need is `unheld`. Locks the wallet.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import transaction

from accounts.models import User
from credits.draft import WalletDraft
from credits.draw import LotView, in_burn_order
from credits.lock import lock_wallet
from credits.lots import read_live_lots, read_lots
from credits.models import EntryKind, Wallet
from credits.money import Micros
from credits.post import post_drafts


def take_back(
    organisation_id: int,
    lot_ids: Collection[int],
    amount: Micros,
    *,
    kind: EntryKind,
    reference: str,
    event_at: datetime,
    at: datetime,
    note: str = "",
    actor: User | None = None,
) -> Micros:
    """Posts one refund or dispute; returns what the lots gave of it."""
    with transaction.atomic():
        wallet = lock_wallet(organisation_id)
        live = read_live_lots([organisation_id], at=at)[organisation_id]
        draft = WalletDraft(wallet, live, at=at)
        given = 0
        actor_id = actor.pk if actor else None
        for lot in in_burn_order(read_lots(lot_ids).get(organisation_id, [])):
            if taken := min(amount - given, lot.remaining):
                draft.add(
                    kind.value,
                    lot,
                    -taken,
                    reference,
                    event_at,
                    note=note,
                    actor_id=actor_id,
                )
                given += taken
        draft.owe(
            amount - given,
            reference=reference,
            event_at=event_at,
            kind=kind.value,
            note=note,
            actor_id=actor_id,
        )
        post_drafts({organisation_id: wallet}, [draft], at=at)
    return given


def unheld(
    some: Collection[int], lots: Sequence[LotView], wallet: Wallet, at: datetime
) -> Micros:
    """What some of a wallet's lots can give now without leaving a live call short.

    An expired lot still covers calls that were allowed before; what it covers the
    others need not keep.
    """
    spendable = [lot for lot in lots if lot.is_spendable(at)]
    expired = sum(lot.remaining for lot in lots if lot.expires_at <= at)
    is_marked = wallet.next_expiry_at is None or at < wallet.next_expiry_at
    covered = max(0, expired - wallet.lapsed) if is_marked else 0
    held = max(0, wallet.reserved - covered)
    free = sum(lot.remaining for lot in spendable) - held
    left = sum(lot.remaining for lot in spendable if lot.id in some)
    return max(0, min(left, free))

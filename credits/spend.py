"""Spends one amount outside a batch of calls (rules 3.5 to 3.7).

Lots are drawn in burn order; what they do not cover becomes debt, in full. The same
reference again spends nothing. Locks the wallet. Calls are settled in batches by
calling, which plans with the same `WalletDraft` and posts with the same `post_drafts`.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.models import Organisation, User
from credits.draft import DEBT, SPEND, WalletDraft
from credits.lock import lock_wallet
from credits.lots import read_live_lots
from credits.models import LedgerEntry
from credits.money import Micros
from credits.post import post_drafts


@dataclass(frozen=True)
class Spent:
    """Who paid: lots, and what is owed now."""

    credit: Micros
    debt: Micros


def spend(
    organisation: Organisation,
    *,
    amount: Micros,
    reference: str,
    started_at: datetime,
    at: datetime,
    actor: User | None = None,
    note: str = "",
) -> Spent:
    with transaction.atomic():
        wallet = lock_wallet(organisation.pk)
        before = _spent_before(organisation.pk, reference)
        if before is not None:
            return before
        lots = read_live_lots([organisation.pk], at=at)[organisation.pk]
        draft = WalletDraft(wallet, lots, at=at)
        given = draft.spend(
            amount,
            reference=reference,
            started_at=started_at,
            note=note,
            actor_id=actor.pk if actor else None,
        )
        draft.owe(
            amount - given,
            reference=reference,
            event_at=started_at,
            note=note,
            actor_id=actor.pk if actor else None,
        )
        post_drafts({wallet.organisation_id: wallet}, [draft], at=at)
    return Spent(given, amount - given)


def _spent_before(organisation_id: int, reference: str) -> Spent | None:
    entries = list(
        LedgerEntry.objects.filter(
            organisation=organisation_id, kind__in=[SPEND, DEBT], reference=reference
        )
    )
    if not entries:
        return None
    credit = -sum(entry.amount for entry in entries if entry.kind == SPEND)
    return Spent(credit, -sum(entry.amount for entry in entries) - credit)

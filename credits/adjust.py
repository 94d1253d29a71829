"""Adjusts by hand: lowers one lot, or forgives debt (rule 3.9).

Never makes a lot: goodwill upwards is promotional credit. The same reference again
changes nothing. Locks the wallet; each adjustment leaves its reason in the audit trail.
"""

from datetime import datetime

from django.db import transaction

from accounts.audit import record_audit
from accounts.models import User
from accounts.tell_deed import tell_deed
from credits.draft import WalletDraft
from credits.draw import LotView
from credits.lock import lock_wallet
from credits.lots import read_live_lots
from credits.models import EntryKind, LedgerEntry, Lot, Wallet
from credits.money import Micros, amount_text
from credits.post import post_drafts
from credits.refusals import MoreThanDebt, MoreThanUnheld, ReferenceUsed
from credits.take_back import unheld

ADJUST = EntryKind.ADJUST.value


def lower_lot(
    lot: Lot, amount: Micros, *, reference: str, reason: str, at: datetime, actor: User
) -> None:
    """Takes part of a lot away, at most what no open hold needs."""
    with transaction.atomic():
        wallet = lock_wallet(lot.organisation_id)
        if _done_before(wallet, reference, lot.pk, -amount):
            return
        view = check_lower(wallet, lot, amount, at=at)
        _post(wallet, view, -amount, reference, reason=reason, at=at, actor=actor)


def forgive_debt(
    organisation_id: int,
    amount: Micros,
    *,
    reference: str,
    reason: str,
    at: datetime,
    actor: User,
) -> None:
    """Gives up money that is owed."""
    with transaction.atomic():
        wallet = lock_wallet(organisation_id)
        if _done_before(wallet, reference, None, amount):
            return
        check_forgive(wallet, amount)
        _post(wallet, None, amount, reference, reason=reason, at=at, actor=actor)


def lowerable(wallet: Wallet, lot: Lot, *, at: datetime) -> Micros:
    """By how much a lot can be lowered at most: what it has and no hold needs."""
    return unheld([lot.pk], _live(wallet, at), wallet, at)


def check_lower(wallet: Wallet, lot: Lot, amount: Micros, *, at: datetime) -> LotView:
    """The lot, where it can be lowered by that much; raises MoreThanUnheld."""
    lots = _live(wallet, at)
    view = next((view for view in lots if view.id == lot.pk), None)
    if view is None or not 0 < amount <= unheld([lot.pk], lots, wallet, at):
        raise MoreThanUnheld
    return view


def check_forgive(wallet: Wallet, amount: Micros) -> None:
    """Raises MoreThanDebt unless that much is owed."""
    if not 0 < amount <= wallet.debt:
        raise MoreThanDebt


def _live(wallet: Wallet, at: datetime) -> list[LotView]:
    return read_live_lots([wallet.organisation_id], at=at)[wallet.organisation_id]


def _done_before(
    wallet: Wallet, reference: str, lot_id: int | None, amount: Micros
) -> bool:
    known = LedgerEntry.objects.filter(
        organisation=wallet.organisation_id, kind=ADJUST, reference=reference
    ).first()
    if known is not None and (known.lot_id, known.amount) != (lot_id, amount):
        raise ReferenceUsed
    return known is not None


def _post(
    wallet: Wallet,
    lot: LotView | None,
    amount: Micros,
    reference: str,
    *,
    reason: str,
    at: datetime,
    actor: User,
) -> None:
    before = {"balance": amount_text(wallet.ledger_balance)}
    draft = WalletDraft(wallet, [lot] if lot else [], at=at)
    draft.add(ADJUST, lot, amount, reference, at, note=reason[:200], actor_id=actor.pk)
    post_drafts({wallet.organisation_id: wallet}, [draft], at=at)
    record_audit(
        "forgive_debt" if lot is None else "lower_lot",
        at=at,
        organisation=wallet.organisation,
        actor=actor,
        object="debt" if lot is None else f"lot {lot.id}",
        reason=reason,
        before=before,
        after={"balance": amount_text(wallet.ledger_balance)},
    )
    tell_deed(
        "credit_adjusted",
        wallet.organisation,
        reference=reference,
        actor=actor,
        reason=reason,
        at=at,
        amount=amount,
    )

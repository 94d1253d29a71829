"""Issues a lot of credit: bought, given or restored (rules 3.2 and 3.8).

The lot is born empty and its first entry fills it; then it pays debt before anything
else. The same reference again finds the same lot. Locks the wallet. Promotional credit
for an NCE organisation is refused (rule 2.1); whether credit may be *sold* was decided
on the sale row, and a sale begun before a move to NCE is still delivered (rule 2.2).
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.models import BillingMode, Organisation, User
from credits.draft import WalletDraft
from credits.draw import LotView
from credits.expiry_date import MOST_PROMOTIONAL_MONTHS, PAID_MONTHS, expiry_of
from credits.lock import lock_wallet
from credits.models import Lot, LotKind, Wallet
from credits.money import Micros
from credits.post import post_drafts
from credits.refusals import CreditsNotHeld, ExpiryNotAllowed, ReferenceUsed


@dataclass(frozen=True)
class _Terms:
    """What a new lot is."""

    kind: LotKind
    amount: Micros
    reference: str
    sale_id: int | None
    expires_at: datetime
    is_taxed: bool


def issue_lot(
    organisation: Organisation,
    *,
    kind: LotKind,
    amount: Micros,
    reference: str,
    at: datetime,
    sale_id: int | None = None,
    is_taxed: bool = False,
    expires_at: datetime | None = None,
    months: int | None = None,
    actor: User | None = None,
    note: str = "",
) -> Lot:
    """The lot that stands for `reference`, issued now unless it was before.

    Promotional credit takes its `months` (or `expires_at`) from staff, restored credit
    its `expires_at` from the dispute; everything else is valid for twelve months.
    """
    with transaction.atomic():
        wallet = lock_wallet(organisation.pk)
        known = organisation.lots.filter(reference=reference).first()
        if known is not None:
            return _same(known, kind, amount)
        # Read again: the mode cannot change while the wallet is locked (rule 2.3).
        holder = Organisation.objects.get(pk=organisation.pk)
        if kind == LotKind.PROMOTIONAL and holder.mode is not BillingMode.PREPAID:
            raise CreditsNotHeld
        expiry = _expiry(holder, kind, at, expires_at, months)
        terms = _Terms(kind, amount, reference, sale_id, expiry, is_taxed)
        lot = _give_birth(wallet, holder, terms, at)
        _fill(wallet, lot, at, actor_id=actor.pk if actor else None, note=note)
    lot.refresh_from_db()
    return lot


def _same(lot: Lot, kind: LotKind, amount: Micros) -> Lot:
    if (lot.kind, lot.original) != (kind, amount):
        raise ReferenceUsed
    return lot


def _expiry(
    organisation: Organisation,
    kind: LotKind,
    at: datetime,
    expires_at: datetime | None,
    months: int | None,
) -> datetime:
    if kind == LotKind.RESTORED and expires_at is not None:
        return expires_at
    if kind != LotKind.PROMOTIONAL:
        if expires_at is not None or months not in {None, PAID_MONTHS}:
            raise ExpiryNotAllowed
        return expiry_of(at, organisation.zone)
    latest = expiry_of(at, organisation.zone, MOST_PROMOTIONAL_MONTHS)
    if expires_at is None:
        if months is None or not 1 <= months <= MOST_PROMOTIONAL_MONTHS:
            raise ExpiryNotAllowed
        return expiry_of(at, organisation.zone, months)
    if not at < expires_at <= latest:
        raise ExpiryNotAllowed
    return expires_at


def _give_birth(
    wallet: Wallet, organisation: Organisation, terms: _Terms, at: datetime
) -> Lot:
    return Lot.objects.create(
        organisation=organisation,
        kind=terms.kind,
        currency=wallet.currency,
        original=terms.amount,
        issued_at=at,
        expires_at=terms.expires_at,
        time_zone=organisation.time_zone,
        exhausted_at=at,
        reference=terms.reference,
        sale_id=terms.sale_id,
        is_taxed=terms.is_taxed,
    )


def _fill(
    wallet: Wallet, lot: Lot, at: datetime, *, actor_id: int | None, note: str
) -> None:
    draft = WalletDraft(wallet, [], at=at)
    draft.add(
        lot.kind,  # an issuing entry has its lot's kind
        LotView(lot.pk, lot.kind, 0, lot.expires_at),
        lot.original,
        lot.reference,
        at,
        note=note,
        actor_id=actor_id,
    )
    post_drafts({wallet.organisation_id: wallet}, [draft], at=at)

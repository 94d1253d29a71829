"""Staff extend a lot's validity, once and with a reason (rule 3.8).

The new last day counts to its end, in the zone the lot's days were counted in. A lot
that has lapsed and is not posted yet becomes spendable again, and then pays debt before
anything else. The database keeps the old expiry and refuses a second extension. Locks
the wallet; the reason goes into the audit trail.
"""

from datetime import date, datetime, timedelta

from django.db import transaction

from accounts.audit import record_audit
from accounts.models import User
from accounts.tell_deed import tell_deed
from credits.draft import WalletDraft
from credits.expiry_date import MOST_PROMOTIONAL_MONTHS, last_day, start_of_day
from credits.lock import lock_wallet
from credits.lots import read_live_lots
from credits.models import Lot, Wallet
from credits.post import post_drafts
from credits.refresh import refresh_wallets
from credits.refusals import AlreadyExtended, ExtensionNotAllowed, NothingToExtend


def extend_lot(lot: Lot, until: date, *, reason: str, actor: User, at: datetime) -> Lot:
    """The lot, valid through `until`; the same once more changes nothing."""
    with transaction.atomic():
        wallet = lock_wallet(lot.organisation_id)
        found = Lot.objects.get(pk=lot.pk)
        expires_at = start_of_day(until + timedelta(days=1), found.zone)
        if found.extended_at is not None:
            if found.expires_at == expires_at:
                return found
            raise AlreadyExtended
        if found.exhausted_at is not None:
            raise NothingToExtend
        latest = last_day(at, found.zone, MOST_PROMOTIONAL_MONTHS)
        if expires_at <= max(found.expires_at, at) or until > latest:
            raise ExtensionNotAllowed
        _extend(found, expires_at, at=at)
        _pay_debt(wallet, found, at=at)
        record_audit(
            "extend_lot",
            at=at,
            organisation=found.organisation,
            actor=actor,
            object=f"lot {found.pk}",
            reason=reason,
            before={"expires_at": _text(found.extended_from)},
            after={"expires_at": _text(expires_at)},
        )
        tell_deed(
            "lot_extended",
            found.organisation,
            reference=f"lot:{found.pk}",
            actor=actor,
            reason=reason,
            at=at,
            amount=found.remaining,
        )
    return found


def _extend(lot: Lot, expires_at: datetime, *, at: datetime) -> None:
    lot.extended_from, lot.extended_at = lot.expires_at, at
    lot.expires_at = expires_at
    lot.lapsed_at = lot.reminded_days = None
    changed = ["extended_from", "extended_at", "expires_at"]
    lot.save(update_fields=[*changed, "lapsed_at", "reminded_days"])


def _pay_debt(wallet: Wallet, lot: Lot, *, at: datetime) -> None:
    lots = read_live_lots([wallet.organisation_id], at=at)[wallet.organisation_id]
    draft = WalletDraft(wallet, lots, at=at)
    if draft.pay_debt(f"extend:{lot.pk}:debt"):
        post_drafts({wallet.organisation_id: wallet}, [draft], at=at)
    else:
        refresh_wallets([wallet])


def _text(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""

"""Expires lots in two steps (rule 3.8).

When its time has come a lot is marked as lapsed: it leaves the balance, where it had
stopped counting at that very moment, mark or no mark, except the part that covers
calls which were allowed before and still run. 72 hours later, when no late
record may draw from it any more, what it still has is posted as expired, exactly once.
Both steps lock the wallets they move, skip those that others hold, and stop at `limit`
lots; a missed run heals itself. Returned: how many lots were marked or posted.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from credits.draw import LATE_USAGE
from credits.lock import lock_free_wallets
from credits.models import Lot, Wallet
from credits.models.wallet import LotQuerySet
from credits.post_expired import insert_expired
from credits.refresh import refresh_wallets

LIMIT = 1000


def expire_due_lots(at: datetime, limit: int = LIMIT) -> int:
    """Both steps, each for at most `limit` lots."""
    return lapse_due_lots(at, limit) + post_expired_lots(at, limit)


def lapse_due_lots(at: datetime, limit: int = LIMIT) -> int:
    """Marks the lots whose last day is over."""
    due = Lot.objects.live().filter(lapsed_at=None, expires_at__lte=at)
    with transaction.atomic():
        wallets = _lock_owners(due, limit)
        lots = Lot.objects.filter(pk__in=_oldest(due, wallets, limit).values("pk"))
        marked = lots.update(lapsed_at=at)
        if marked:
            refresh_wallets(wallets.values(), cause="expiry")
    return marked


def lapse_lots_of(wallet: Wallet, *, at: datetime) -> None:
    """The same for one wallet, which the caller has locked: before it is asked."""
    mine = Lot.objects.live().filter(organisation=wallet.organisation_id)
    if mine.filter(lapsed_at=None, expires_at__lte=at).update(lapsed_at=at):
        refresh_wallets([wallet], cause="expiry")


def post_expired_lots(at: datetime, limit: int = LIMIT) -> int:
    """Posts what lapsed lots still have once late usage is over."""
    over = at - LATE_USAGE
    due = Lot.objects.live().filter(expires_at__lte=over)
    with transaction.atomic():
        wallets = _lock_owners(due, limit)
        if not wallets:
            return 0
        unmarked = [pk for pk, wallet in wallets.items() if _has_unmarked(wallet, over)]
        if unmarked:
            due.filter(organisation__in=unmarked, lapsed_at=None).update(lapsed_at=at)
        posted = insert_expired(wallets, _oldest(due, wallets, limit), at=at)
        refresh_wallets(wallets.values(), cause="expiry")
    return posted


def _lock_owners(due: LotQuerySet, limit: int) -> dict[int, Wallet]:
    """Those of the oldest lots, as far as nobody else holds them."""
    oldest = due.order_by("expires_at", "organisation_id")[:limit]
    return lock_free_wallets(oldest.values("organisation_id"))


def _oldest(due: LotQuerySet, owners: Iterable[int], limit: int) -> LotQuerySet:
    """Without this order the planner would pass over the index of live lots."""
    mine = due.filter(organisation__in=list(owners))
    return mine.order_by("expires_at", "organisation_id")[:limit]


def _has_unmarked(wallet: Wallet, over: datetime) -> bool:
    return wallet.next_expiry_at is not None and wallet.next_expiry_at <= over

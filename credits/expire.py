"""Expires lots in two steps (rule 3.8).

When its time has come a lot is marked as lapsed: it leaves the balance, where it had
stopped counting at that very moment, mark or no mark. 72 hours later, when no late
record may draw from it any more, what it still has is posted as expired, exactly once.
Both steps lock the wallets they move, skip those that others hold, and stop at `limit`
lots; a missed run heals itself. Returned: how many lots were marked or posted.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import Count

from credits.bulk import read_rows
from credits.draw import LATE_USAGE
from credits.lock import lock_free_wallets
from credits.models import EntryKind, LedgerEntry, Lot
from credits.models.wallet import LotQuerySet
from credits.money import Micros
from credits.post import EntryDraft, post_entries
from credits.refresh import refresh_wallets

LIMIT = 1000
EXPIRE = EntryKind.EXPIRE.value


class _Due(NamedTuple):
    """What posting needs of a lot; light, since a sweep reads thousands."""

    organisation_id: int
    id: int
    remaining: Micros
    expires_at: datetime
    lapsed_at: datetime | None


def expire_due_lots(at: datetime, limit: int = LIMIT) -> int:
    """Both steps, each for at most `limit` lots."""
    return lapse_due_lots(at, limit) + post_expired_lots(at, limit)


def lapse_due_lots(at: datetime, limit: int = LIMIT) -> int:
    """Marks the lots whose last day is over."""
    due = Lot.objects.live().filter(lapsed_at=None, expires_at__lte=at)
    with transaction.atomic():
        wallets = lock_free_wallets(_owners(due, limit))
        lots = Lot.objects.filter(pk__in=_oldest(due, wallets, limit).values("pk"))
        marked = lots.update(lapsed_at=at)
        if marked:
            refresh_wallets(wallets.values(), cause="expiry")
    return marked


def post_expired_lots(at: datetime, limit: int = LIMIT) -> int:
    """Posts what lapsed lots still have once late usage is over."""
    due = Lot.objects.live().filter(expires_at__lte=at - LATE_USAGE)
    with transaction.atomic():
        wallets = lock_free_wallets(_owners(due, limit))
        found = _oldest(due, wallets, limit)
        lots = [_Due(*row) for row in read_rows(found.values_list(*_Due._fields))]
        unmarked = [lot.id for lot in lots if lot.lapsed_at is None]
        if unmarked:
            Lot.objects.filter(pk__in=unmarked).update(lapsed_at=at)
        post_entries(wallets, _drafts(lots), at=at)
    return len(lots)


def _oldest(due: LotQuerySet, owners: Iterable[int], limit: int) -> LotQuerySet:
    """Without this order the planner would pass over the index of live lots."""
    mine = due.filter(organisation__in=list(owners))
    return mine.order_by("expires_at", "organisation_id")[:limit]


def _owners(due: LotQuerySet, limit: int) -> set[int]:
    oldest = due.order_by("expires_at", "organisation_id")
    return set(oldest.values_list("organisation_id", flat=True)[:limit])


def _drafts(lots: list[_Due]) -> list[EntryDraft]:
    undone = _times_undone({lot.organisation_id for lot in lots})
    return [
        EntryDraft(
            lot.organisation_id,
            EXPIRE,
            lot.id,
            -lot.remaining,
            f"expire:{lot.id}#{undone.get(lot.id, 0) + 1}",
            lot.expires_at,
        )
        for lot in lots
    ]


def _times_undone(organisation_ids: set[int]) -> dict[int | None, int]:
    """By lot; what has something left has every earlier posting undone."""
    undoing = LedgerEntry.objects.filter(
        organisation__in=organisation_ids, kind=EXPIRE, reverses__isnull=False
    )
    return dict(undoing.order_by().values_list("lot").annotate(Count("id")))

"""Ends holds whose deadline is over and whose record never came (rule 9.4).

What they set aside is free again and nothing is billed; a record that comes later
settles once, like any other. A sweep: locks the wallets it moves, oldest deadline
first, skips those that others hold, and stops at `limit` holds.
"""

from datetime import datetime

from django.db import transaction

from calling.end_holds import end_holds
from credits.lock import lock_free_wallets
from credits.models import Hold, HoldState
from credits.models.hold import HoldQuerySet
from credits.refresh import refresh_wallets

LIMIT = 1000


def lapse_stale_holds(at: datetime, limit: int = LIMIT) -> int:
    """How many holds ended; a constant number of statements."""
    with transaction.atomic():
        owners = oldest_due(at)[:limit].values("organisation_id")
        wallets = lock_free_wallets(owners)
        if not wallets:
            return 0
        mine = oldest_due(at).filter(organisation__in=list(wallets))[:limit]
        chosen = Hold.objects.filter(pk__in=mine.values("pk"))
        ended = end_holds(wallets, chosen, HoldState.LAPSED, at=at)
        moved = {hold.organisation_id for hold in ended}
        refresh_wallets([wallets[pk] for pk in sorted(moved)], cause="expiry")
    return len(ended)


def oldest_due(at: datetime) -> HoldQuerySet:
    """In the order of the index that holds open holds alone."""
    due = Hold.objects.still_open().filter(deadline_at__lte=at)
    return due.order_by("deadline_at", "organisation_id")

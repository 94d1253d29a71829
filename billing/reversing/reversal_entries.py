"""What the ledger says about the refunds and disputes of one payment (rule 4.7).

An event is `refund:<id>#<n>` or `dispute:<id>#<n>`; what undoes it ends in `:undo`, the
lot that a win gives back in `:restored`. Plain reads; a writer holds the wallet's lock.
"""

import re
from collections import defaultdict

from django.db.models import Q

from billing.models import TopUp
from credits.models import EntryKind, LedgerEntry
from credits.money import Micros

KINDS = (EntryKind.REFUND, EntryKind.DISPUTE, EntryKind.RESTORED)
UNDO = ":undo"
_EVENT = re.compile(r"((?:refund|dispute):\d+)#(\d+)")


def credit_booked(top_up: TopUp) -> Micros:
    """What the ledger has taken, less what it gave back."""
    return -sum(entry.amount for entry in reversal_entries(top_up))


def standing_events(top_up: TopUp) -> dict[str, dict[str, Micros]]:
    """By cause, what each of its events has taken and not given back, oldest first."""
    sums: dict[str, dict[str, Micros]] = defaultdict(lambda: defaultdict(int))
    for entry in reversal_entries(top_up):
        if entry.kind != EntryKind.RESTORED:
            event = entry.reference.removesuffix(UNDO)
            sums[_stem(event)][event] -= entry.amount
    return {
        stem: {event: amount for event, amount in events.items() if amount}
        for stem, events in sums.items()
    }


def last_revision(top_up: TopUp, stem: str) -> int:
    """How many events of that cause were booked."""
    named = [_EVENT.match(entry.reference) for entry in reversal_entries(top_up)]
    numbers = [int(one.group(2)) for one in named if one and one.group(1) == stem]
    return max(numbers, default=0)


def reversal_entries(top_up: TopUp) -> list[LedgerEntry]:
    """Every entry that a refund or dispute of this payment has made, oldest first."""
    mine = Q(pk=None)  # none, until a cause is named
    causes = [one.reference for one in top_up.refunds.all()]
    causes += [one.reference for one in top_up.disputes.all()]
    for cause in causes:
        mine |= Q(reference__startswith=f"{cause}#")
    entries = LedgerEntry.objects.filter(
        mine, organisation=top_up.organisation_id, kind__in=KINDS
    )
    # Two halves, because each has its own index of (organisation, kind).
    halves = entries.filter(lot__isnull=False), entries.filter(lot__isnull=True)
    found = (entry for half in halves for entry in half)
    return sorted(found, key=lambda entry: entry.wallet_seq)


def _stem(reference: str) -> str:
    named = _EVENT.match(reference)
    return named.group(1) if named else ""

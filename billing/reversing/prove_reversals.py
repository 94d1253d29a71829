"""Proves what went back: refunds and disputes against the ledger; changes nothing.

Invariant 20: of every payment the ledger has taken exactly what the formula of rule 4.7
says, the sums on the sale are those of its refunds and disputes, and no refund that was
asked for took what was spent, had expired or did not exist. Invariant 9: a restored lot
expires as before, or as many days after the win as it was withheld.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from django.db.models import Q, Sum

from billing.models import Dispute, Refund, TopUp
from billing.reversing.reversal_entries import KINDS, credit_booked
from billing.reversing.reverse import credit_reversed, gross_reversed, withheld_until
from billing.reversing.sale_lots import RESTORED, lots_of
from credits.models import EntryKind, LedgerEntry, Lot, LotKind
from credits.money import from_money

_NAMED = re.compile(r"(refund|dispute):(\d+)#")


def prove_reversals(organisation_id: int | None) -> Iterator[str]:
    only = {"organisation": organisation_id} if organisation_id else {}
    went_back = Q(refunds__isnull=False) | Q(disputes__isnull=False)
    went_back |= Q(refunded__gt=0) | Q(disputed__gt=0)
    top_ups = TopUp.objects.filter(went_back, **only).distinct().order_by("pk")
    for top_up in top_ups.select_related("organisation"):
        yield from _formula(top_up)
        yield from _sums(top_up)
    yield from _staff_refunds(only)
    yield from _asked_refunds(only)
    yield from _strays(only)
    yield from _restored(only)


def _formula(top_up: TopUp) -> Iterator[str]:
    booked, expected = credit_booked(top_up), credit_reversed(top_up)
    if booked != expected:
        yield f"{top_up.reference}: {booked} taken back, {expected} expected (20)"


def _sums(top_up: TopUp) -> Iterator[str]:
    gross = [min(one, top_up.total_micros) for one in gross_reversed(top_up)]
    kept = [from_money(top_up.refunded), from_money(top_up.disputed)]
    if kept != gross:
        yield f"{top_up.reference}: refunded and disputed {kept}, rows say {gross} (20)"


def _staff_refunds(only: dict[str, int]) -> Iterator[str]:
    refunds = Refund.objects.filter(staff_payment__isnull=False, **only)
    for refund in refunds.order_by("pk"):
        entries = LedgerEntry.objects.filter(
            organisation=refund.organisation_id,
            kind=EntryKind.REFUND,
            reference__startswith=f"{refund.reference}#",
        )
        booked = -(entries.aggregate(sum=Sum("amount"))["sum"] or 0)
        expected = refund.credit_micros if refund.stands else 0
        if booked != expected:
            yield f"{refund.reference}: took {booked}, its row says {expected} (20)"


def _asked_refunds(only: dict[str, int]) -> Iterator[str]:
    """What people ask for comes from credit that is there; Stripe's may be debt."""
    asked = Refund.objects.filter(requested_by__isnull=False, **only)
    first = {f"{one.reference}#1" for one in asked}
    entries = LedgerEntry.objects.filter(kind=EntryKind.REFUND, reverses=None, **only)
    for entry in entries.order_by("pk").select_related("lot"):
        if entry.reference not in first:
            continue
        if entry.lot is None or entry.lot.expires_at <= entry.booked_at:
            yield f"{entry.reference}: took credit that was not there (20)"


def _strays(only: dict[str, int]) -> Iterator[str]:
    causes: dict[str, set[int]] = defaultdict(set)
    causes["refund"] = set(Refund.objects.filter(**only).values_list("pk", flat=True))
    causes["dispute"] = set(Dispute.objects.filter(**only).values_list("pk", flat=True))
    entries = LedgerEntry.objects.filter(kind__in=KINDS, **only).order_by("pk")
    for pk, reference in entries.values_list("pk", "reference"):
        named = _NAMED.match(reference)
        if named is None or int(named.group(2)) not in causes[named.group(1)]:
            yield f"entry {pk}: {reference} names no refund or dispute (20)"


def _restored(only: dict[str, int]) -> Iterator[str]:
    lots = Lot.objects.filter(kind=LotKind.RESTORED, **only).order_by("pk")
    for lot in lots:
        named = _NAMED.match(lot.reference)
        dispute = Dispute.objects.filter(pk=int(named.group(2)) if named else 0).first()
        if dispute is None:
            yield f"lot {lot.pk}: restores no dispute (8)"
        elif not _expires_as_ruled(lot, dispute):
            yield f"lot {lot.pk}: restored, expires {lot.expires_at} (9)"


def _expires_as_ruled(lot: Lot, dispute: Dispute) -> bool:
    event = LedgerEntry.objects.filter(
        organisation=lot.organisation_id,
        kind=EntryKind.DISPUTE,
        reference=lot.reference.removesuffix(RESTORED),
    ).first()
    since = event.booked_at if event else lot.issued_at
    others = lots_of(dispute.top_up).exclude(pk=lot.pk).filter(pk__lt=lot.pk)
    before = max(_expiry_then(other, lot) for other in others)
    earliest = max(before, withheld_until(since, lot.issued_at, dispute.top_up))
    return (lot.extended_from or lot.expires_at) == earliest


def _expiry_then(other: Lot, restored: Lot) -> datetime:
    """Its expiry when the other lot was restored; an extension may be younger."""
    later = other.extended_at is not None and other.extended_at > restored.issued_at
    return other.extended_from if later and other.extended_from else other.expires_at

"""Proves the wallets, lots and entries from the ledger; changes nothing.

Finds every breach of the invariants, judged by `at`. What is only late, since a sweep
has not run yet, is told apart. The caller provides one consistent snapshot.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from accounts.fences import absent_fences
from accounts.models import AuditEvent
from credits.draw import LATE_USAGE
from credits.expiry_date import MOST_PROMOTIONAL_MONTHS, expiry_of
from credits.invariants import INVARIANTS, LATE, MOVED_BY, Invariant
from credits.models import ENTRY_ACCOUNTS, LedgerEntry, Lot, LotKind, Wallet
from credits.models.ledger import SIGN_FITS_KIND

ONE_SWEEP = timedelta(hours=1)


@dataclass
class Proof:
    """How many rows were looked at, what is wrong, and what is merely late."""

    checked: int = 0
    breaches: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)

    def add(self, other: "Proof") -> None:
        self.checked += other.checked
        self.breaches += other.breaches
        self.late += other.late


def prove(organisation_id: int | None = None, *, at: datetime) -> Proof:
    proof = Proof(checked=_count(organisation_id))
    facts = _facts(organisation_id, at)
    here = MOVED_BY if connection.vendor == "sqlite" else ()
    for invariant in (*INVARIANTS, *here):
        proof.breaches += _search(invariant, facts)
    proof.breaches += _kinds(organisation_id)
    proof.breaches += _signs(organisation_id)
    proof.breaches += _expiries(organisation_id)
    proof.breaches += [
        f"fence {name} is missing (7)" for name in absent_fences("credits")
    ]
    for invariant in LATE:
        proof.late += _search(invariant, facts)
    return proof


def _facts(organisation_id: int | None, at: datetime) -> dict[str, Any]:
    moments = {
        "at": at,
        "swept": at - ONE_SWEEP,
        "posted": at - LATE_USAGE - ONE_SWEEP,
    }
    stored = connection.ops.adapt_datetimefield_value
    facts = {name: stored(moment) for name, moment in moments.items()}
    return {"organisation": organisation_id or 0, **facts}


def _search(invariant: Invariant, facts: dict[str, Any]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(invariant.narrowed(), facts)
        return [
            f"{invariant.sentence.format(*row)} ({invariant.number})"
            for row in cursor.fetchall()
        ]


def _count(organisation_id: int | None) -> int:
    only = {"organisation": organisation_id} if organisation_id else {}
    models = (Wallet, Lot, LedgerEntry)
    return sum(model.objects.filter(**only).count() for model in models)


def _kinds(organisation_id: int | None) -> list[str]:
    pairs = set(_entries(organisation_id).values_list("kind", "lot__kind").distinct())
    return [
        f"entries of kind {kind} on a lot of kind {lot} stand for no accounts (4)"
        for kind, lot in sorted(pairs - set(ENTRY_ACCOUNTS), key=str)
    ]


def _signs(organisation_id: int | None) -> list[str]:
    wrong = _entries(organisation_id).exclude(SIGN_FITS_KIND)
    return [
        f"entry {pk}: {kind} of {amount} has the wrong sign (2)"
        for pk, kind, amount in wrong.values_list("pk", "kind", "amount")
    ]


def _entries(organisation_id: int | None) -> "QuerySet[LedgerEntry]":
    entries = LedgerEntry.objects.order_by()
    if organisation_id:
        entries = entries.filter(organisation=organisation_id)
    return entries


def _expiries(organisation_id: int | None) -> Iterator[str]:
    lots = Lot.objects.order_by("pk")
    if organisation_id:
        lots = lots.filter(organisation=organisation_id)
    extended = []
    for lot in lots.iterator():
        if not _expires_as_ruled(lot):
            yield f"lot {lot.pk}: issued {lot.issued_at}, expires {lot.expires_at} (9)"
        if lot.extended_at is not None:
            extended.append(f"lot {lot.pk}")
    audited = AuditEvent.objects.filter(verb="extend_lot", object__in=extended)
    known = set(audited.values_list("object", flat=True))
    for name in extended:
        if name not in known:
            yield f"{name}: was extended, and nobody says why (9)"


def _expires_as_ruled(lot: Lot) -> bool:
    zone = lot.zone
    expires_at = lot.extended_from or lot.expires_at
    if lot.kind == LotKind.RESTORED:
        return True  # judged against its dispute, by billing
    if lot.kind == LotKind.PROMOTIONAL:
        latest = expiry_of(lot.issued_at, zone, MOST_PROMOTIONAL_MONTHS)
        return lot.issued_at < expires_at <= latest
    return expires_at == expiry_of(lot.issued_at, zone)

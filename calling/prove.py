"""Proves records, charges, pools and daily totals against each other and the ledger.

Changes nothing. The caller provides one consistent snapshot; `verify_ledger` does.
"""

from datetime import datetime

from django.db import connection

from accounts.fences import absent_fences
from calling.invariants import INVARIANTS, Invariant
from calling.models import CallRecord, Charge, MinutePool, UsageDay
from credits.prove import Proof


def prove(organisation_id: int | None = None, *, at: datetime) -> Proof:
    """Every breach of invariants 13 to 19, 23 and 25."""
    proof = Proof(checked=_count(organisation_id))
    for invariant in INVARIANTS:
        proof.breaches += _search(invariant, organisation_id)
    proof.breaches += [
        f"fence {name} is missing (7)" for name in absent_fences("calling")
    ]
    return proof


def _search(invariant: Invariant, organisation_id: int | None) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(invariant.narrowed(), {"organisation": organisation_id or 0})
        return [
            f"{invariant.sentence.format(*row)} ({invariant.number})"
            for row in cursor.fetchall()
        ]


def _count(organisation_id: int | None) -> int:
    only = {"organisation": organisation_id} if organisation_id else {}
    models = (CallRecord, Charge, MinutePool, UsageDay)
    return sum(model.objects.filter(**only).count() for model in models)

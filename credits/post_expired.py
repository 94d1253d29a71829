"""Posts what is left of expired lots as one INSERT … SELECT (rule 3.8).

An entry a lot, numbered and with the balance after it, all computed by the database:
a sweep posts thousands, and reading them first would take longer than posting them.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Count, OuterRef, QuerySet, Subquery

from credits.models import EntryKind, LedgerEntry, Wallet
from credits.models.wallet import LotQuerySet

EXPIRE = EntryKind.EXPIRE.value

_INSERT = """
INSERT INTO credits_ledgerentry (organisation_id, wallet_seq, kind, lot_id, amount,
  balance_after, reference, event_at, booked_at, note)
SELECT lot.organisation_id, wallet.last_seq + row_number() OVER mine, %s, lot.id,
  -lot.remaining, wallet.credit - wallet.debt - {sum}(lot.remaining) OVER mine,
  'expire:' || lot.id || '#' || (coalesce(undone.times, 0) + 1), lot.expires_at, %s, ''
FROM ({lots}) AS lot
JOIN credits_wallet AS wallet ON wallet.organisation_id = lot.organisation_id
LEFT JOIN ({undone}) AS undone ON undone.lot_id = lot.id
WINDOW mine AS (PARTITION BY lot.organisation_id ORDER BY lot.expires_at, lot.id
                ROWS UNBOUNDED PRECEDING)"""


def insert_expired(
    wallets: Mapping[int, Wallet], lots: LotQuerySet, *, at: datetime
) -> int:
    """Inserts the entries; how many. The caller holds the wallets of all the lots.

    The wallets stand in memory afterwards as the fence left them, to be written back.
    """
    chosen, of_lots = _sql(
        lots.values("organisation_id", "id", "remaining", "expires_at")
    )
    undone, of_undone = _sql(_times_undone(wallets))
    total = "micros_sum" if connection.vendor == "postgresql" else "sum"
    booked_at = connection.ops.adapt_datetimefield_value(at)
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT.format(lots=chosen, undone=undone, sum=total),
            [EXPIRE, booked_at, *of_lots, *of_undone],
        )
        inserted: int = cursor.rowcount
    _move(wallets)
    return inserted


def _times_undone(organisation_ids: Collection[int]) -> "QuerySet[Any, Any]":
    """By lot; what has something left has every earlier posting undone."""
    undoing = LedgerEntry.objects.filter(
        organisation__in=organisation_ids, kind=EXPIRE, reverses__isnull=False
    )
    return undoing.order_by().values("lot_id").annotate(times=Count("id"))


def _move(wallets: Mapping[int, Wallet]) -> None:
    """As the newest entry says; whether the fence agrees is asked by the refresh."""
    entries = LedgerEntry.objects.filter(organisation=OuterRef("pk"))
    newest = entries.order_by("-wallet_seq")[:1]
    said = Wallet.objects.filter(pk__in=wallets).values_list(
        "pk",
        Subquery(newest.values("wallet_seq")),
        Subquery(newest.values("balance_after")),
    )
    for organisation_id, last_seq, balance in said:
        wallet = wallets[organisation_id]
        wallet.last_seq, wallet.credit = last_seq, balance + wallet.debt


def _sql(rows: "QuerySet[Any, Any]") -> tuple[str, tuple[Any, ...]]:
    return rows.query.sql_with_params()

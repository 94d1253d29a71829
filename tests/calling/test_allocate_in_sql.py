"""Who pays, once by our code and once by one SQL statement, on random ledgers.

The statement knows running sums only: calls in the order of their start lie end to end
over the pool's seconds, and what the pool leaves lies end to end over the lots in burn
order. Where a call and a lot overlap, the lot pays (rules 3.5, 7.3 and 8).
"""

from datetime import timedelta
from random import Random

import pytest
from django.db import connection

from accounts.models import Organisation
from calling.models import Bucket, CallRecord, Line, MinutePool, Source
from credits.models import EntryKind, LedgerEntry, Lot, LotKind, Wallet
from tests.calling.telephony import (
    MORNING,
    give_plan,
    make_card,
    make_record,
    take_in,
)
from tests.makers import START, make_lot

RATES = {"+886212345678": "0.02", "+81312345678": "0.021", "+819012345678": "0.11"}
DAYS = [START, START + timedelta(days=1), START + timedelta(days=2)]
PAID_BY = """
WITH calls AS (
    SELECT charge.id, call_record_id AS call_id, billed_seconds, rated_amount,
           rate_per_minute, started_at,
           CASE WHEN charge.kind = 'domestic' THEN billed_seconds ELSE 0 END AS wanted
    FROM calling_charge charge JOIN calling_callrecord record
         ON record.id = charge.call_record_id
), in_line AS (
    SELECT calls.*, SUM(wanted) OVER (ORDER BY started_at, call_id) AS until_second
    FROM calls
), pooled AS (
    SELECT in_line.*,
           {least}(until_second, %(granted)s)
           - {least}(until_second - wanted, %(granted)s) AS pool_seconds
    FROM in_line
), valued AS (
    SELECT pooled.*,
           CASE WHEN pool_seconds = billed_seconds THEN rated_amount
                ELSE CAST(pool_seconds AS bigint) * rate_per_minute / 60 END AS value
    FROM pooled
), owed AS (
    SELECT valued.*, rated_amount - value AS owed,
           SUM(rated_amount - value) OVER (ORDER BY started_at, call_id) AS until_micro
    FROM valued
), lots AS (
    SELECT id AS lot_id, original, SUM(original) OVER (
               ORDER BY expires_at, CASE kind WHEN 'promotional' THEN 0 ELSE 1 END, id
           ) AS until_micro
    FROM credits_lot WHERE organisation_id = %(organisation)s
)
SELECT call_id, pool_seconds, value, owed, lot_id,
       CASE WHEN lot_id IS NULL THEN 0 ELSE
           {least}(owed.until_micro, lots.until_micro)
           - {most}(owed.until_micro - owed, lots.until_micro - original)
       END AS paid
FROM owed LEFT JOIN lots
     ON lots.until_micro > owed.until_micro - owed
    AND lots.until_micro - original < owed.until_micro AND owed > 0
ORDER BY call_id, lot_id
"""


def by_sql(organisation: Organisation, granted: int) -> list[tuple[int | None, ...]]:
    """By call and lot: pool seconds, their value, what is owed, what the lot pays."""
    is_postgresql = connection.vendor == "postgresql"
    least, most = ("LEAST", "GREATEST") if is_postgresql else ("MIN", "MAX")
    statement = PAID_BY.format(least=least, most=most)
    with connection.cursor() as cursor:
        cursor.execute(statement, {"granted": granted, "organisation": organisation.pk})
        return [
            tuple(None if cell is None else int(cell) for cell in row)
            for row in cursor.fetchall()
        ]


def make_ledger(random: Random, formosa: Organisation, mei: Line, pbx: Source) -> int:
    """Lots, a plan and calls at random; returns the pool's seconds."""
    for _ in range(random.randrange(6)):
        # Some expire together: then promotional credit goes first, then the older.
        kind = random.choice([LotKind.PROMOTIONAL, LotKind.PURCHASE])
        amount = f"{random.randrange(1, 300) / 100:.2f}"
        make_lot(formosa, amount, kind=kind, at=random.choice(DAYS))
    minutes = random.randrange(60)
    give_plan(mei, {Bucket.DOMESTIC: minutes})
    starts = random.sample(range(1_000), random.randrange(1, 40))
    records = [
        make_record(
            f"r{number}",
            callee=random.choice(list(RATES)),
            seconds=random.randrange(1, 1_500),
            at=MORNING + timedelta(seconds=start),
        )
        for number, start in enumerate(starts)
    ]
    take_in(pbx, *records)
    pool = MinutePool.objects.filter(bucket=Bucket.DOMESTIC).first()
    return pool.granted_seconds if pool is not None else 0


@pytest.mark.parametrize("seed", range(12))
def test_code_and_sql_let_the_same_pay(
    pbx: Source, formosa: Organisation, mei: Line, seed: int
) -> None:
    make_card([{"prefix": callee[1:], "rate": rate} for callee, rate in RATES.items()])
    granted = make_ledger(Random(seed), formosa, mei, pbx)
    rows = by_sql(formosa, granted)
    assert rows
    spent = {
        (entry.reference, entry.lot_id): -entry.amount
        for entry in LedgerEntry.objects.filter(kind=EntryKind.SPEND)
    }
    expected = {
        (f"call:{call_id}#1", lot_id): paid
        for call_id, *_, lot_id, paid in rows
        if lot_id
    }
    assert spent == expected
    debt = 0
    for record in CallRecord.objects.all():
        charge = record.charges.get()
        mine = [row for row in rows if row[0] == record.pk]
        _, pool_seconds, value, owed, _, _ = mine[0]
        credit = sum(row[5] or 0 for row in mine)
        assert (charge.pool_seconds, charge.pool_amount) == (pool_seconds, value)
        assert charge.credit_amount == credit
        assert charge.debt_amount == (owed or 0) - credit
        debt += charge.debt_amount
    assert Wallet.objects.get(organisation=formosa).debt == debt
    assert sum(Lot.objects.values_list("remaining", flat=True)) + sum(
        spent.values()
    ) == sum(Lot.objects.values_list("original", flat=True))

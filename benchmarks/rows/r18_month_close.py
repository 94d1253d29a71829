"""Row 18: a month of post-paid calls is closed, against the bare GROUP BY of the rows.

A million charges of 10,000 organisations, each with three lines of two departments that
call three destinations. The anchor adds up the same rows by the same columns and reads
the answer, as whoever writes an invoice must; both are times, so the ratio is above
1/1.5 where closing takes at most one and a half times as long. Afterwards the proof of
the invoices must be clean, and a rerun close nothing. The charges stand alone, without
the calls they charge: those are no business of an invoice, and `verify_ledger` would
miss them.
"""

import random
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from time import perf_counter

from django.db import connection, transaction

from accounts.models import BillingMode
from benchmarks.clean import NotClean
from benchmarks.engines import Engine
from benchmarks.many_wallets import make_wallets, tidy
from benchmarks.score import Sample, Score
from benchmarks.world import DAY, SEED
from billing.invoicing.close_due import close_due_months
from billing.invoicing.prove_invoices import prove_invoices
from billing.models import ClosedMonth, Invoice
from calling.models import Charge, Line, RateCardVersion
from calling.write_calls import CHARGE_COLUMNS
from credits.bulk import insert_rows

ROUNDS = 3
CHARGES_PER_CALL = 10  # a million where the run has 100,000 calls
CHARGES_EACH = 100
DESTINATIONS_EACH = 3
MONTH = date(2026, 3, 1)
CLOSES = DAY + timedelta(days=34)
DEPARTMENTS = ("Sales", "Sales", "Support")
SCORE = Score("18", "month close, 1M charges", "bare GROUP BY", "runs/s", 1 / 1.5)
BARE = """
SELECT charge.organisation_id, rate.country, line.department, count(*),
  sum(charge.postpaid_seconds), sum(charge.postpaid_amount)
FROM calling_charge AS charge
JOIN calling_rate AS rate
  ON rate.version_id = charge.rate_card_version_id AND rate.prefix = charge.prefix
JOIN calling_line AS line ON line.id = charge.line_id
WHERE charge.local_day >= %s AND charge.local_day < %s
GROUP BY 1, 2, 3"""


def scores(engine: str) -> list[Score]:
    return [SCORE] if engine == "postgresql" else []


def play(engine: Engine, calls: int) -> dict[str, Sample]:
    charges = calls * CHARGES_PER_CALL
    make_charges(make_wallets(charges // CHARGES_EACH, BillingMode.NCE))
    tidy()
    _add_up()  # the pages are in memory for both
    bare = _seconds(_add_up)
    ours = _seconds(_close)
    for breach in prove_invoices():
        raise NotClean(breach)
    invoices = Invoice.objects.count()
    if close_due_months(CLOSES) or Invoice.objects.count() != invoices:
        raise NotClean("a rerun closed a month again")
    return {"18": Sample(1 / ours, 1 / bare)}


def _close() -> None:
    while close_due_months(CLOSES):
        pass
    if not ClosedMonth.objects.filter(month=MONTH).exists():
        raise NotClean("nothing was closed")


def _add_up() -> None:
    with connection.cursor() as cursor:
        cursor.execute(BARE, [MONTH, MONTH + timedelta(days=31)])
        cursor.fetchall()


def _seconds(work: Callable[[], None]) -> float:
    started = perf_counter()
    work()
    return perf_counter() - started


def make_charges(owners: Sequence[int]) -> None:
    """In the order in which the calls were told: the organisations mixed."""
    chance = random.Random(SEED)
    lines = _make_lines(owners)
    version = RateCardVersion.objects.get()
    prefixes = list(version.rates.values_list("prefix", flat=True).order_by("prefix"))
    # A firm calls a few countries, not all of them.
    called = [chance.sample(prefixes, DESTINATIONS_EACH) for _ in owners]
    rows = []
    for number in range(len(owners) * CHARGES_EACH):
        owner = chance.randrange(len(owners))
        minutes = chance.randrange(1, 20)
        rate = chance.randrange(10_000, 300_000)
        amount = rate * minutes
        day = MONTH + timedelta(days=chance.randrange(31))
        rows.append(
            (
                *(owners[owner], number + 1, 1, chance.choice(lines[owners[owner]])),
                *(
                    "international",
                    day,
                    "USD",
                    version.pk,
                    chance.choice(called[owner]),
                ),
                *(rate, 0, 60, 60, 0, amount, 60 * minutes),
                *(None, 0, 0, 0, 0, 60 * minutes, amount, 0, 0, DAY),
            )
        )
    with transaction.atomic():
        insert_rows(Charge, CHARGE_COLUMNS, rows)


def _make_lines(owners: Sequence[int]) -> dict[int, list[int]]:
    lines = Line.objects.bulk_create(
        Line(
            organisation_id=pk,
            name=f"Phone {number}",
            identity=f"phone-{number}",
            usage_country="TW",
            department=department,
        )
        for pk in owners
        for number, department in enumerate(DEPARTMENTS)
    )
    found: dict[int, list[int]] = {}
    for line in lines:
        found.setdefault(line.organisation_id, []).append(line.pk)
    return found

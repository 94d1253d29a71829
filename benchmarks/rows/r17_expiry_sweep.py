"""Row 17: what has expired is posted, against INSERT … SELECT of the same entries.

100,000 lots of 1,000 organisations, whose late-usage window is over. The anchor writes
the entries that our run posted into a twin of the ledger, with the same indexes and
none of the fences, in one statement. SQLite has no twin that is made as simply.
"""

from datetime import timedelta
from time import perf_counter

from django.db import connection, transaction

from benchmarks.clean import NotClean, check_clean
from benchmarks.engines import Engine
from benchmarks.score import Sample, Score
from benchmarks.world import OPENED
from credits.bulk import insert_rows
from credits.draw import LATE_USAGE
from credits.expire import lapse_due_lots, post_expired_lots
from credits.lock import lock_wallets
from credits.models import EntryKind, Lot, LotKind, Wallet
from credits.post import EntryDraft, post_entries

ROUNDS = 5
LOTS = 100_000
AT_A_TIME = 10_000  # lots of one transaction
EXPIRES = OPENED + timedelta(days=31)
POSTED = EXPIRES + LATE_USAGE
SCORE = Score("17", "expiry sweep", "INSERT … SELECT", "lots/s", 0.30)
COLUMNS = (
    *("organisation_id", "kind", "currency", "original", "remaining", "issued_at"),
    *("expires_at", "time_zone", "exhausted_at", "reference", "moved_by"),
)
TWIN = """
CREATE TABLE twin (LIKE credits_ledgerentry INCLUDING DEFAULTS INCLUDING CONSTRAINTS
  INCLUDING INDEXES INCLUDING IDENTITY)"""
ANCHOR = """
INSERT INTO twin (organisation_id, wallet_seq, kind, lot_id, amount, balance_after,
  reference, event_at, booked_at, note, actor_id, reverses_id)
SELECT organisation_id, wallet_seq, kind, lot_id, amount, balance_after,
  reference, event_at, booked_at, note, actor_id, reverses_id
FROM credits_ledgerentry WHERE kind = 'expire'"""


def scores(engine: str) -> list[Score]:
    return [SCORE] if engine == "postgresql" else []


def play(engine: Engine, calls: int) -> dict[str, Sample]:
    make_lots()
    while lapse_due_lots(EXPIRES, AT_A_TIME):
        pass
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    started = perf_counter()
    posted = 0
    while done := post_expired_lots(POSTED, AT_A_TIME):
        posted += done
    ours = posted / (perf_counter() - started)
    if posted != LOTS:
        raise NotClean(f"{posted} of {LOTS} lots were posted")
    with connection.cursor() as cursor:
        cursor.execute(TWIN)
        started = perf_counter()
        cursor.execute(ANCHOR)
        anchor = LOTS / (perf_counter() - started)
    check_clean(POSTED)
    return {"17": Sample(ours, anchor)}


def make_lots() -> None:
    """Promotional ones, which need no sale row; each filled by its entry."""
    owners = list(Wallet.objects.values_list("pk", flat=True).order_by("pk"))
    each = LOTS // len(owners)
    dates = (OPENED, EXPIRES, "UTC", OPENED)
    rows = [
        (pk, "promotional", "USD", 1_000_000 + n, 0, *dates, f"expiring:{n}", 0)
        for n in range(each)
        for pk in owners
    ]
    with transaction.atomic():
        insert_rows(Lot, COLUMNS, rows)
        mine = Lot.objects.filter(kind=LotKind.PROMOTIONAL, expires_at=EXPIRES)
        drafts = [
            EntryDraft(
                lot.organisation_id,
                EntryKind.PROMOTIONAL.value,
                lot.pk,
                lot.original,
                lot.reference,
                OPENED,
            )
            for lot in mine.order_by("pk")
        ]
        post_entries(lock_wallets(owners), drafts, at=OPENED)

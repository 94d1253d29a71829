"""Adds up what either side says over the seven days of a run (invariant 20).

Each page adds once, in the transaction that notes how far the run has come. When it has
ended, a total that differs is left to staff: one open task per kind and currency.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.db.models import F

from accounts.models import StaffTask
from accounts.staff_tasks import raise_staff_task
from billing.models import (
    ReconciliationKind,
    ReconciliationRun,
    ReconciliationTotal,
)
from billing.reconciling.page_sides import Sum

TOTALS_DIFFER = "totals_differ"
DONE = "done"  # the position of a run that has added up everything


def add_up(run: ReconciliationRun, sums: Iterable[Sum]) -> None:
    """Adds a page's sums to the run's totals; the caller's transaction counts once."""
    added: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for one in sums:
        added[one.kind, one.currency][0] += one.ours
        added[one.kind, one.currency][1] += one.theirs
    for (kind, currency), (ours, theirs) in added.items():
        total, _new = run.totals.get_or_create(kind=kind, currency=currency)
        run.totals.filter(pk=total.pk).update(
            ours=F("ours") + ours, theirs=F("theirs") + theirs
        )


def leave_totals_to_staff(run: ReconciliationRun, *, at: datetime) -> None:
    """Of a run that has ended; a difference that staff were told of is not told twice.

    Once they are done with it and it still is there, the next run tells again.
    """
    for total in run.totals.all():
        name = f"{total.kind}:{total.currency}:"
        known = StaffTask.objects.filter(kind=TOTALS_DIFFER, done_at=None)
        if not total.difference or known.filter(reference__startswith=name).exists():
            continue
        raise_staff_task(
            TOTALS_DIFFER,
            reference=f"{name}{run.pk}",
            detail=f"{total.kind} in seven days until {run.started_at:%Y-%m-%d %H:%M} "
            f"UTC: {total.ours_shown} here, {total.theirs_shown} at Stripe; "
            f"difference {total.difference_shown}.",
            at=at,
        )


def last_ended_run() -> ReconciliationRun | None:
    """The last one that went through both directions and added up."""
    runs = ReconciliationRun.objects.filter(kind=ReconciliationKind.BOTH_WAYS)
    return runs.filter(position=DONE).order_by("-pk").first()


def latest_total(reference: str) -> ReconciliationTotal | None:
    """What the last run that ended says about a task's kind and currency."""
    kind, currency, _run = reference.split(":")
    run = last_ended_run()
    return run.totals.filter(kind=kind, currency=currency).first() if run else None

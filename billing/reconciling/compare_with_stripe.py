"""Compares seven days of our books with Stripe's, in both directions (daily).

Stripe's events, payments, refunds and disputes are looked for here; our paid top-ups
and refunds are looked for there. A difference goes to the verb that its event would
have gone to, which heals it or leaves staff a task. One page at a time: where it left
off is a short text, so that a run may go on in the next job. Nothing is locked here.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F

from accounts.staff_tasks import raise_staff_task
from billing.models import (
    ReconciliationKind,
    ReconciliationRun,
)
from billing.reconciling.compare_sides import FETCH, SIDES, Side
from billing.refusals import PaymentsUnavailable

logger = logging.getLogger(__name__)

LOOK_BACK = timedelta(days=7)
# A run that failed half-way is gone on with, unless it is this old.
GOES_STALE = timedelta(hours=12)
NOT_COMPARED = "not_compared_with_stripe"


def compare_next(cursor: str, *, at: datetime) -> str:
    """One page; where to go on, or '' when both directions are through.

    Raises PaymentsUnavailable while Stripe is away; the run keeps that.
    """
    run, step, after = _read(cursor, at)
    try:
        page = SIDES[step].page(run.started_at - LOOK_BACK, after)
        found = sum(_differs(SIDES[step], *thing, at) for thing in page.things)
    except PaymentsUnavailable as error:
        ReconciliationRun.objects.filter(pk=run.pk).update(error=str(error))
        raise
    ReconciliationRun.objects.filter(pk=run.pk).update(
        compared=F("compared") + len(page.things),
        differences=F("differences") + found,
        error="",
    )
    if page.last:
        return f"{run.pk}:{step}:{page.last}"
    if step + 1 < len(SIDES):
        return f"{run.pk}:{step + 1}:"
    ReconciliationRun.objects.filter(pk=run.pk).update(ended_at=at)
    return ""


def compare_one(side_and_name: str, *, at: datetime) -> bool:
    """Whether one thing still differs; its verb is called once more if it does.

    Named as in a staff task: `payments:pi_1`, `top-ups:17`.
    """
    name, _, thing = side_and_name.partition(":")
    side = next(side for side in SIDES if side.name == name)
    return side.differs(FETCH[name](thing), at)


def _read(cursor: str, at: datetime) -> tuple[ReconciliationRun, int, str]:
    if cursor:
        number, step, after = cursor.split(":", 2)
        run = ReconciliationRun.objects.filter(pk=int(number)).first()
        if run is not None and run.started_at > at - GOES_STALE:
            return run, int(step), after
    kind = ReconciliationKind.BOTH_WAYS
    return ReconciliationRun.objects.create(kind=kind, started_at=at), 0, ""


def _differs(side: Side, name: str, thing: Any, at: datetime) -> bool:
    """An error with one thing is for staff and does not stop the others."""
    try:
        return side.differs(thing, at)
    except PaymentsUnavailable:
        raise
    except Exception as error:
        logger.exception("%s %s could not be compared", side.name, name)
        raise_staff_task(
            NOT_COMPARED,
            reference=f"{side.name}:{name}",
            detail=f"{type(error).__name__}: {error}",
            at=at,
        )
        return True

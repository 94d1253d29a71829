"""Compares seven days of our books with Stripe's, in both directions (daily).

Stripe's events, payments, refunds and disputes are looked for here; our paid sales,
refunds, disputes and charges without an answer are looked for there. A difference goes
to the verb that its event would have gone to, which heals it or leaves staff a task;
what is left is added up on both sides. One page at a time: where it left off is a short
text, so that a run may go on in the next job. Nothing is locked here.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from accounts.staff_tasks import raise_staff_task
from billing.models import ReconciliationKind, ReconciliationRun
from billing.reconciling.add_up import DONE, add_up, leave_totals_to_staff
from billing.reconciling.compare_sides import FETCH, SIDES
from billing.reconciling.page_sides import Compared, Side, Window
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
    run = _run_of(cursor, at)
    step, after = _position(run)
    try:
        page = SIDES[step].page(window_of(run), after)
        found = [_compare(SIDES[step], *thing, at) for thing in page.things]
    except PaymentsUnavailable as error:
        ReconciliationRun.objects.filter(pk=run.pk).update(error=str(error))
        raise
    if page.last:
        _count(run, f"{step}:{page.last}", found)
    elif step + 1 < len(SIDES):
        _count(run, f"{step + 1}:", found)
    else:
        _count(run, DONE, found)
        ReconciliationRun.objects.filter(pk=run.pk).update(ended_at=at)
        leave_totals_to_staff(run, at=at)
        return ""
    return f"{run.pk}:"


def compare_one(side_and_name: str, *, at: datetime) -> bool:
    """Whether one thing still differs; its verb is called once more if it does.

    Named as in a staff task: `payments:pi_1`, `top-ups:17`.
    """
    name, _, thing = side_and_name.partition(":")
    side = next(side for side in SIDES if side.name == name)
    return side.compare(FETCH[name](thing), at).differs


def window_of(run: ReconciliationRun) -> Window:
    """What came in while it ran is compared by the next one."""
    return Window(run.started_at - LOOK_BACK, run.started_at)


def _run_of(cursor: str, at: datetime) -> ReconciliationRun:
    """The one to go on with; the run itself knows how far it has come."""
    if cursor:
        number = cursor.partition(":")[0]
        run = ReconciliationRun.objects.filter(pk=int(number), ended_at=None).first()
        if run is not None and run.started_at > at - GOES_STALE:
            return run
    kind = ReconciliationKind.BOTH_WAYS
    return ReconciliationRun.objects.create(kind=kind, started_at=at)


def _position(run: ReconciliationRun) -> tuple[int, str]:
    """Which side, and after which thing of it."""
    step, _, after = run.position.partition(":")
    return int(step or 0), after


def _count(run: ReconciliationRun, position: str, found: list[Compared]) -> None:
    """Once per page, though two went through it or one died after it."""
    with transaction.atomic():
        here = ReconciliationRun.objects.filter(pk=run.pk, position=run.position)
        is_first = here.update(
            compared=F("compared") + len(found),
            differences=F("differences") + sum(one.differs for one in found),
            position=position,
            error="",
        )
        if is_first:
            add_up(run, (one for each in found for one in each.sums))


def _compare(side: Side, name: str, thing: Any, at: datetime) -> Compared:
    """An error with one thing is for staff and does not stop the others.

    What cannot be asked about counts as not being at Stripe.
    """
    try:
        return side.compare(thing, at)
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
        return Compared(differs=True, sums=side.ours(thing))

"""What the worker runs for this app; the timetable is config/schedule.py."""

import logging
from time import monotonic

from django.utils import timezone
from django_q.tasks import async_task

from billing import reconcile
from billing.work_event import work_event

logger = logging.getLogger(__name__)
LONGEST_RUN = 40  # seconds; the worker gives up on a job after sixty


def work_inbox(inbox_id: int) -> None:
    """Works one event of Stripe; asked for when it comes in."""
    work_event(inbox_id, at=timezone.now())


def reconcile_top_ups() -> None:
    began, at, asked = monotonic(), timezone.now(), 0
    while monotonic() - began < LONGEST_RUN and (
        done := reconcile.reconcile_top_ups(at, limit=5)
    ):
        asked += done
    logger.info("reconcile_top_ups: %s asked about", asked)


def work_waiting_events() -> None:
    worked = reconcile.work_waiting_events(timezone.now())
    logger.info("work_waiting_events: %s worked", worked)


def find_lost_payments(after: str = "") -> None:
    """One customer after the other; what does not fit a run is left to the next."""
    began, compared = monotonic(), 0
    at = timezone.now()
    while after := reconcile.find_lost_payments(at, after=after):
        compared += 1
        if monotonic() - began > LONGEST_RUN:
            async_task("billing.jobs.find_lost_payments", after)
            break
    logger.info("find_lost_payments: payments of %s customers compared", compared)

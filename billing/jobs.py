"""What the worker runs for this app; the timetable is config/schedule.py."""

import logging

from django.utils import timezone

from billing import reconcile
from billing.work_event import work_event

logger = logging.getLogger(__name__)


def work_inbox(inbox_id: int) -> None:
    """Works one event of Stripe; asked for when it comes in."""
    work_event(inbox_id, at=timezone.now())


def reconcile_top_ups() -> None:
    asked = reconcile.reconcile_top_ups(timezone.now())
    logger.info("reconcile_top_ups: %s asked about", asked)


def work_waiting_events() -> None:
    worked = reconcile.work_waiting_events(timezone.now())
    logger.info("work_waiting_events: %s worked", worked)


def find_lost_payments() -> None:
    seen = reconcile.find_lost_payments(timezone.now())
    logger.info("find_lost_payments: %s payments compared", seen)

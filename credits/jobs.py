"""What the timetable calls: one verb each, bounded, safe to run twice."""

import logging

from django.utils import timezone

from accounts.named_job import named_job
from credits.expire import expire_due_lots

log = logging.getLogger(__name__)


@named_job
def expire_lots() -> None:
    """Marks lots whose last day is over, posts those past the late-usage window."""
    done = expire_due_lots(timezone.now(), limit=5000)
    log.info("expire_lots: %d lots marked or posted", done)

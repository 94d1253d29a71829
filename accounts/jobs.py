"""What the worker runs for this app; the timetable is config/schedule.py."""

import logging

from django.utils import timezone

from accounts.deliver import deliver_due_webhooks
from accounts.forget_webhooks import forget_webhooks as forget_told
from accounts.job_turns import forget_failures
from accounts.named_job import named_job
from accounts.send import send_due_notices

logger = logging.getLogger(__name__)


@named_job
def send_notices() -> None:
    """Delivers the outbox: asked for when a message is owed, and every minute."""
    sent = send_due_notices(timezone.now())
    logger.info("send_notices: %s sent", sent)


@named_job
def deliver_webhooks() -> None:
    """Posts the events that endpoints are owed: when one happens, and every minute."""
    delivered = deliver_due_webhooks(timezone.now())
    logger.info("deliver_webhooks: %s delivered", delivered)


@named_job
def forget_failed_jobs() -> None:
    """Drops the notes of jobs about one thing that failed long ago."""
    logger.info("forget_failed_jobs: %s", forget_failures(timezone.now()))


@named_job
def forget_webhooks() -> None:
    """Drops events and deliveries of outgoing webhooks after 90 days."""
    logger.info("forget_webhooks: %s events", forget_told(timezone.now()))

"""What the worker runs for this app; the timetable is config/schedule.py."""

import logging

from django.core.cache import cache
from django.utils import timezone

from accounts.named_job import Turn, job_with_cursor, named_job
from calling import mail_export, upload_calls
from calling.live.lapse_holds import lapse_stale_holds
from calling.replay import settle_some_waiting
from calling.spending.tell_spending import tell_spending as spending_told
from calling.tell_line_limits import tell_line_limits
from calling.tell_rate_rises import tell_rate_rises
from calling.tell_used_pools import tell_used_pools
from calling.watch_feeds import hear_feeds, tell_silent_feeds

log = logging.getLogger(__name__)

HEARD = "calling.watch_feeds.cursor"
CHARGED = "calling.tell_limits.cursor"


@job_with_cursor
def settle_waiting(turn: Turn) -> str:
    """Replays what waits, a batch to a transaction, and goes on where it left off."""
    cursor: int | None = int(turn.cursor or 0)
    settled = 0
    while cursor is not None and not turn.is_over:
        done = settle_some_waiting(after=cursor, at=timezone.now())
        cursor = done.last_id
        settled += len(done.settled)
    log.info("settle_waiting: %d calls settled", settled)
    return str(cursor or "")


@named_job
def write_export(export_id: int) -> None:
    """Writes a list of calls that somebody asked for, and owes them the link."""
    export = mail_export.write_export(export_id, at=timezone.now())
    log.info("write_export: %d calls", export.calls)


@named_job
def forget_exports() -> None:
    """Drops the lists of calls whose link has ended."""
    log.info("forget_exports: %d", mail_export.forget_exports(timezone.now()))


@named_job
def tell_pools() -> None:
    """Owes the messages about minutes that run out."""
    told = tell_used_pools(timezone.now())
    log.info("tell_pools: %d pools told of", told)


@named_job
def tell_limits() -> None:
    """Owes the messages about lines that near or reach their monthly limit."""
    told, last = tell_line_limits(cache.get(CHARGED, 0), timezone.now())
    cache.set(CHARGED, last, timeout=None)
    log.info("tell_limits: %d lines told of", told)


@named_job
def tell_spending() -> None:
    """Owes the messages about spending limits that are near or reached."""
    told = spending_told(timezone.now())
    log.info("tell_spending: %d organisations told", told)


@named_job
def tell_rises() -> None:
    """Owes the messages about prices that rise."""
    told = tell_rate_rises(timezone.now())
    log.info("tell_rises: %d organisations told", told)


@named_job
def import_upload(upload_id: int) -> None:
    """Works through a file of call records that staff handed in."""
    upload = upload_calls.import_upload(upload_id, now=timezone.now)
    log.info("import_upload: %d stored, %d rejected", upload.stored, upload.rejected)


@named_job
def watch_feeds() -> None:
    """Tells staff of sources that fell silent."""
    cache.set(HEARD, hear_feeds(cache.get(HEARD, 0)), timeout=None)
    log.info("watch_feeds: %d silent", tell_silent_feeds(timezone.now()))


@named_job
def lapse_holds() -> None:
    """Releases what calls still hold whose record never came."""
    log.info("lapse_holds: %d", lapse_stale_holds(timezone.now(), limit=5000))

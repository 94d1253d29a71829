"""What the worker runs for this app; the timetable is config/schedule.py."""

import logging
from time import monotonic

from django.core.cache import cache
from django.utils import timezone

from calling import mail_export, upload_calls
from calling.replay import settle_some_waiting
from calling.tell_used_pools import tell_used_pools
from calling.watch_feeds import hear_feeds, tell_silent_feeds

log = logging.getLogger(__name__)

LONGEST_RUN = 40  # seconds; the worker gives up on a job after sixty
CURSOR = "calling.settle_waiting.cursor"
HEARD = "calling.watch_feeds.cursor"


def settle_waiting() -> None:
    """Replays what waits, a batch to a transaction, and goes on where it left off."""
    began = monotonic()
    cursor: int | None = cache.get(CURSOR, 0)
    settled = 0
    while cursor is not None and monotonic() - began < LONGEST_RUN:
        done = settle_some_waiting(after=cursor, at=timezone.now())
        cursor = done.last_id
        settled += len(done.settled)
    cache.set(CURSOR, cursor or 0, timeout=None)
    log.info("settle_waiting: %d calls settled", settled)


def write_export(export_id: int) -> None:
    """Writes a list of calls that somebody asked for, and owes them the link."""
    export = mail_export.write_export(export_id, at=timezone.now())
    log.info("write_export: %d calls", export.calls)


def forget_exports() -> None:
    """Drops the lists of calls whose link has ended."""
    log.info("forget_exports: %d", mail_export.forget_exports(timezone.now()))


def tell_pools() -> None:
    """Owes the messages about minutes that run out."""
    told = tell_used_pools(timezone.now())
    log.info("tell_pools: %d pools told of", told)


def import_upload(upload_id: int) -> None:
    """Works through a file of call records that staff handed in."""
    upload = upload_calls.import_upload(upload_id, now=timezone.now)
    log.info("import_upload: %d stored, %d rejected", upload.stored, upload.rejected)


def watch_feeds() -> None:
    """Tells staff of sources that fell silent."""
    cache.set(HEARD, hear_feeds(cache.get(HEARD, 0)), timeout=None)
    log.info("watch_feeds: %d silent", tell_silent_feeds(timezone.now()))

"""A job takes its turn: one at a time in the whole installation (museum B59).

The lock is a row, taken by compare-and-set: of two workers or two clusters one wins,
the other goes away. A turn whose worker died runs out and is taken over. Whoever comes
while a job runs is not lost: it is noted, and the job runs once more. Each verb is one
short transaction; nothing is held while the job works.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django_q.tasks import async_task

from accounts.models import JobRun

# Above the worker's timeout, below its retry: a job that was killed finds it free.
LOCK_LASTS = timedelta(seconds=90)
# How long staff may see that a job about one thing failed.
KEPT_FOR = timedelta(days=7)


@dataclass(frozen=True)
class JobTurn:
    """The right to run a job now; `cursor` is where an earlier turn left off."""

    name: str
    claim: str
    started_at: datetime
    cursor: str


def take_turn(name: str, *, at: datetime) -> JobTurn | None:
    """The turn, or None while somebody else has it, who will run the job once more."""
    claim = secrets.token_hex(16)
    is_free = Q(locked_until=None) | Q(locked_until__lte=at)
    while True:
        run, _ = JobRun.objects.get_or_create(
            name=name, defaults={"first_started_at": at}
        )
        row = JobRun.objects.filter(pk=run.pk)
        if row.filter(is_free).update(
            claim=claim,
            locked_until=at + LOCK_LASTS,
            asked_again=False,
            started_at=at,
        ):
            # What the last turn stored, it stored before it let go.
            cursor = row.values_list("cursor", flat=True).get()
            return JobTurn(name, claim, at, cursor)
        if row.exclude(is_free).update(asked_again=True):
            return None


def end_turn(turn: JobTurn, *, after: timedelta, cursor: str = "") -> None:
    """Notes the success and lets go; a cursor, or a request meanwhile, runs it again.

    The next run is enqueued in the transaction that stores the cursor.
    """
    with transaction.atomic():
        run = _held(turn)
        if run is None:
            return  # it took so long that another has it
        if is_about_one_thing(turn.name):
            run.delete()
            return
        goes_on = bool(cursor) or run.asked_again
        run.succeeded_at = turn.started_at + after
        run.milliseconds = after // timedelta(milliseconds=1)
        run.error, run.cursor = "", cursor
        _let_go(run)
        if goes_on:
            async_task(turn.name)


def fail_turn(turn: JobTurn, error: BaseException, *, after: timedelta) -> None:
    """Keeps the error and lets go; the worker tries the job again by itself."""
    with transaction.atomic():
        run = _held(turn)
        if run is not None:
            run.failed_at = turn.started_at + after
            run.error = f"{type(error).__name__}: {error}"[:1000]
            _let_go(run)


def forget_failures(at: datetime) -> int:
    """Drops what failed jobs about one thing left behind a week ago; how many."""
    old = JobRun.objects.filter(name__contains=":", failed_at__lt=at - KEPT_FOR)
    return old.filter(claim="").delete()[0]


def is_about_one_thing(name: str) -> bool:
    return ":" in name


def _held(turn: JobTurn) -> JobRun | None:
    held = JobRun.objects.filter(name=turn.name, claim=turn.claim)
    return held.select_for_update().first()


def _let_go(run: JobRun) -> None:
    run.claim, run.locked_until, run.asked_again = "", None, False
    run.save()

"""Wraps what the worker runs: a lock of its own, a note of how it went.

A job is named by its dotted path, as in the timetable; what it works on is part of the
name (`billing.jobs.work_inbox:17`). It works `LONGEST_RUN` seconds at most: a job with
more to do returns where it left off, and is enqueued again (museum B59).
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import update_wrapper, wraps
from time import monotonic
from typing import Any, ParamSpec

from django.utils import timezone

from accounts.job_turns import JobTurn, end_turn, fail_turn, take_turn

logger = logging.getLogger(__name__)
P = ParamSpec("P")

LONGEST_RUN = 40  # seconds; the worker gives up on a job after sixty


class Turn:
    """What a job may ask while it runs, and where it says that it goes on."""

    def __init__(self, cursor: str = "") -> None:
        self.cursor = cursor
        self._began = monotonic()

    @property
    def lasted(self) -> timedelta:
        return timedelta(seconds=monotonic() - self._began)

    @property
    def is_over(self) -> bool:
        return self.lasted.total_seconds() >= LONGEST_RUN


def named_job(job: Callable[P, None]) -> Callable[P, None]:
    """The job, run by one worker at a time; another that comes meanwhile goes away."""
    path = f"{job.__module__}.{job.__qualname__}"

    @wraps(job)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with _turn(_name(path, args, kwargs), timezone.now()) as turn:
            if turn is not None:
                job(*args, **kwargs)

    return run


def job_with_cursor(job: Callable[[Turn], str]) -> Callable[[], None]:
    """The same for a job that starts at `turn.cursor` and returns where it left off.

    '' says that it is through; anything else is stored and the job enqueued again.
    """
    path = f"{job.__module__}.{job.__qualname__}"

    def run() -> None:
        with _turn(path, timezone.now()) as turn:
            if turn is not None:
                turn.cursor = job(turn)

    update_wrapper(run, job)
    del run.__wrapped__  # type: ignore[attr-defined]  # the worker passes nothing
    return run


@contextmanager
def _turn(name: str, at: datetime) -> Iterator[Turn | None]:
    taken: JobTurn | None = take_turn(name, at=at)
    if taken is None:
        logger.info("%s: runs already", name)
        yield None
        return
    turn = Turn(taken.cursor)
    try:
        yield turn
    except BaseException as error:
        fail_turn(taken, error, after=turn.lasted)
        raise
    end_turn(taken, after=turn.lasted, cursor=turn.cursor)


def _name(path: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    things = [*map(str, args), *(f"{name}={kwargs[name]}" for name in sorted(kwargs))]
    return f"{path}:{','.join(things)}" if things else path

"""How each line of the timetable stands: its last success, and whether it is late.

A line is late when it has not succeeded since the time before its last; one that failed
and was tried again in time is not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from croniter import croniter

from accounts.models import JobRun
from config.schedule import SCHEDULE, Timed

# The scheduler wakes every 30 seconds, and a job may work for 40.
PATIENCE = timedelta(minutes=3)


@dataclass(frozen=True)
class TimedJob:
    """One line and its latest run; without one it has never been started."""

    line: Timed
    run: JobRun | None
    age: timedelta | None
    is_late: bool


def read_timetable(at: datetime) -> list[TimedJob]:
    """Every line as of a moment, in the timetable's order; two statements."""
    runs = {run.name: run for run in JobRun.objects.exclude(name__contains=":")}
    first = min((run.first_started_at for run in runs.values()), default=None)
    return [_look(line, runs, at, first) for line in SCHEDULE]


def has_worker_ever_run(jobs: list[TimedJob]) -> bool:
    return any(job.run for job in jobs)


def _look(
    line: Timed, runs: Mapping[str, JobRun], at: datetime, first: datetime | None
) -> TimedJob:
    run = runs.get(line.function)
    last = run.succeeded_at if run else None
    # What never succeeded counts from when the worker first did anything at all.
    since = last or first
    return TimedJob(
        line=line,
        run=run,
        age=at - last if last else None,
        is_late=since is None or since < due_by(line.cron, at),
    )


def due_by(cron: str, at: datetime) -> datetime:
    """The latest of the line's times of which it is fair to expect a success by now."""
    times = croniter(cron, at - PATIENCE)
    due: datetime = times.get_prev(datetime)
    return due

"""A job runs once at a time, survives its worker, and says how it went (B59)."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from accounts import named_job as wrapper
from accounts.job_turns import (
    LOCK_LASTS,
    JobTurn,
    end_turn,
    fail_turn,
    forget_failures,
    take_turn,
)
from accounts.models import JobRun
from accounts.named_job import Turn, job_with_cursor, named_job
from config.environment import BASE_DIR
from tests.hammer.databases import url_of
from tests.makers import START

NAME = "tests.jobs.count"
SECOND = timedelta(seconds=1)

pytestmark = pytest.mark.django_db


def taken(name: str = NAME, *, after: timedelta = timedelta()) -> JobTurn:
    turn = take_turn(name, at=START + after)
    assert turn is not None
    return turn


def queued() -> list[str]:
    rows = OrmQ.objects.order_by("id")
    return [SignedPackage.loads(row.payload)["func"] for row in rows]


# --- the lock -------------------------------------------------------------------------


def test_second_worker_goes_away_while_the_first_runs() -> None:
    turn = taken()
    assert take_turn(NAME, at=START + SECOND) is None
    end_turn(turn, after=SECOND)
    assert take_turn(NAME, at=START + 2 * SECOND) is not None


def test_jobs_of_two_names_do_not_wait_for_each_other() -> None:
    taken("tests.jobs.one")
    taken("tests.jobs.two")


def test_whoever_came_meanwhile_has_the_job_run_once_more() -> None:
    turn = taken()
    for _ in range(3):
        assert take_turn(NAME, at=START + SECOND) is None
    assert queued() == []
    end_turn(turn, after=2 * SECOND)
    assert queued() == [NAME]
    end_turn(taken(after=3 * SECOND), after=SECOND)
    assert queued() == [NAME]


def test_b59_turn_of_a_dead_worker_runs_out_between_timeout_and_retry() -> None:
    dead = taken()
    queue = settings.Q_CLUSTER
    assert queue["timeout"] < LOCK_LASTS.total_seconds() < queue["retry"]
    assert queue["timeout"] > wrapper.LONGEST_RUN
    assert take_turn(NAME, at=START + LOCK_LASTS - SECOND) is None
    heir = taken(after=LOCK_LASTS)
    # The dead one was only slow: it has no say any more.
    end_turn(dead, after=LOCK_LASTS + SECOND, cursor="half-way")
    fail_turn(dead, ValueError("late"), after=LOCK_LASTS + SECOND)
    run = JobRun.objects.get()
    assert (run.claim, run.cursor, run.error) == (heir.claim, "", "")
    assert queued() == []


def test_lock_without_a_holder_is_refused() -> None:
    taken()
    refused = pytest.raises(IntegrityError, match="job_lock_is_whole")
    with refused, transaction.atomic():
        JobRun.objects.update(claim="")


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_exactly_one_gets_the_turn() -> None:
    start = Barrier(8)

    def take() -> bool:
        try:
            start.wait(timeout=10)
            return take_turn(NAME, at=START) is not None
        finally:
            connection.close()

    for _ in range(3):
        with ThreadPoolExecutor(8) as pool:
            got = [
                future.result(60) for future in [pool.submit(take) for _ in "12345678"]
            ]
        assert sorted(got) == [False] * 7 + [True]
        run = JobRun.objects.get()
        end_turn(JobTurn(NAME, run.claim, START, ""), after=SECOND)


# --- what is noted --------------------------------------------------------------------


def test_success_is_noted_with_its_duration_and_clears_the_error() -> None:
    fail_turn(taken(), ValueError("no such column"), after=SECOND)
    run = JobRun.objects.get()
    assert (run.failed_at, run.error) == (START + SECOND, "ValueError: no such column")
    assert run.has_failed
    assert run.succeeded_at is None
    end_turn(taken(after=SECOND), after=timedelta(milliseconds=1500))
    run.refresh_from_db()
    assert run.succeeded_at == START + timedelta(seconds=2.5)
    assert (run.milliseconds, run.error, run.has_failed) == (1500, "", False)
    assert run.started_at == START + SECOND
    assert run.first_started_at == START


def test_job_about_one_thing_leaves_a_row_only_when_it_failed() -> None:
    fail_turn(taken(f"{NAME}:17"), ValueError("x"), after=SECOND)
    assert JobRun.objects.get().has_failed
    end_turn(taken(f"{NAME}:17"), after=SECOND)
    assert not JobRun.objects.exists()


def test_what_failed_long_ago_is_forgotten() -> None:
    fail_turn(taken(f"{NAME}:17"), ValueError("x"), after=SECOND)
    fail_turn(taken(), ValueError("x"), after=SECOND)
    assert forget_failures(START + timedelta(days=7)) == 0
    assert forget_failures(START + timedelta(days=8)) == 1
    assert JobRun.objects.get().name == NAME


# --- the wrapper ----------------------------------------------------------------------

ran: list[object] = []


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    ran.clear()


@named_job
def work_one(number: int) -> None:
    ran.append(JobRun.objects.get().name)


@named_job
def meet_itself() -> None:
    ran.append("ran")
    meet_itself()


@named_job
def break_down() -> None:
    raise ValueError("nothing works")


@job_with_cursor
def count_to_three(turn: Turn) -> str:
    number = int(turn.cursor or 0) + 1
    ran.append(number)
    return str(number) if number < 3 else ""


def test_job_is_locked_under_its_path_and_what_it_works_on() -> None:
    work_one(17)
    assert ran == [f"{__name__}.work_one:17"]
    assert not JobRun.objects.exists()


def test_job_that_meets_itself_runs_once() -> None:
    meet_itself()
    assert ran == ["ran"]


def test_error_is_kept_and_raised_so_that_the_worker_tries_again() -> None:
    with pytest.raises(ValueError, match="nothing works"):
        break_down()
    run = JobRun.objects.get()
    assert (run.claim, run.error) == ("", "ValueError: nothing works")


def test_b59_job_goes_on_after_its_cursor_and_enqueues_itself() -> None:
    for left in ("1", "2", ""):
        count_to_three()
        assert JobRun.objects.get().cursor == left
    assert ran == [1, 2, 3]
    assert queued() == [f"{__name__}.count_to_three"] * 2


def test_turn_is_over_after_forty_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    turn = Turn()
    assert not turn.is_over
    monkeypatch.setattr(wrapper, "monotonic", lambda: turn._began + 40)
    assert turn.is_over


# --- processes ------------------------------------------------------------------------

PROCESS = """
import os, sys, time
import django
django.setup()
from datetime import datetime
from accounts.job_turns import take_turn
turn = take_turn(sys.argv[1], at=datetime.fromisoformat(sys.argv[2]))
print("mine" if turn else "other", flush=True)
time.sleep(60 if turn else 0)
"""


def start_process(after: timedelta = timedelta()) -> "subprocess.Popen[str]":
    """A worker of another cluster: takes the turn and keeps it until it is killed."""
    return subprocess.Popen(
        [sys.executable, "-c", PROCESS, NAME, (START + after).isoformat()],
        cwd=BASE_DIR,
        env={
            **os.environ,
            "DATABASE_URL": url_of(),
            "DJANGO_SETTINGS_MODULE": "config.settings.dev",
        },
        stdout=subprocess.PIPE,
        text=True,
    )


def first_word(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.django_db(transaction=True)
def test_b59_job_killed_in_the_middle_is_taken_over_by_another_process() -> None:
    connection.close()
    clusters = [start_process(), start_process()]
    try:
        assert sorted(map(first_word, clusters)) == ["mine", "other"]
    finally:
        for cluster in clusters:
            cluster.send_signal(signal.SIGKILL)
            cluster.communicate()
    assert take_turn(NAME, at=START + LOCK_LASTS - SECOND) is None
    heir = taken(after=LOCK_LASTS)
    end_turn(heir, after=SECOND)
    assert JobRun.objects.get().succeeded_at == START + LOCK_LASTS + SECOND

"""Starts processes in order, prefixes what they say, and stops all of them.

Each process leads a group of its own: Ctrl-C reaches the demo alone, which stops the
groups, last started first. Nothing survives, whatever a process started in its turn.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 10  # from SIGTERM to SIGKILL
POLL_SECONDS = 0.1


class StopAsked(Exception):
    """Ctrl-C or SIGTERM came while something was being waited for."""


class ProcessFailed(Exception):
    """A process ended although the demo still needs it."""


@dataclass(frozen=True)
class Started:
    name: str
    process: subprocess.Popen[str]
    listener: threading.Thread

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None


class Processes:
    """What was started, in order; `asked_to_stop` is set by a signal."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = {**os.environ, **environment, "PYTHONUNBUFFERED": "1"}
        self.started: list[Started] = []
        self.asked_to_stop = threading.Event()

    def obey_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self.asked_to_stop.set())

    def start(self, name: str, command: Sequence[str]) -> Started:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        assert process.stdout is not None
        listener = threading.Thread(
            target=_repeat, args=(name, process.stdout), daemon=True
        )
        listener.start()
        started = Started(name, process, listener)
        self.started.append(started)
        return started

    def run(self, name: str, command: Sequence[str]) -> None:
        """Starts a process that ends by itself, and waits for that."""
        started = self.start(name, command)
        while not started.has_ended:
            self.pause(POLL_SECONDS)
        started.listener.join(PATIENCE_SECONDS)
        self.started.remove(started)
        _refuse_failure(started)

    def pause(self, seconds: float) -> None:
        """Sleeps; raises if a signal asked to stop or a process ended meanwhile."""
        if self.asked_to_stop.wait(seconds):
            raise StopAsked
        for started in self.started:
            _refuse_failure(started)

    def stop_all(self) -> None:
        for started in reversed(self.started):
            say("demo", f"stopping {started.name}")
            _stop_group(started.process)
            started.listener.join(PATIENCE_SECONDS)
        self.started.clear()


def say(name: str, line: str) -> None:
    # One write per line, so that two processes never share one.
    sys.stdout.write(f"{name:>7} │ {line}\n")
    sys.stdout.flush()


def _refuse_failure(started: Started) -> None:
    status = started.process.poll()
    if status:
        raise ProcessFailed(f"{started.name} ended with status {status}.")


def _repeat(name: str, output: IO[str]) -> None:
    with output:
        for line in output:
            say(name, line.rstrip())


def _stop_group(process: subprocess.Popen[str]) -> None:
    """Asks the leader, which stops its own children; kills what it leaves behind."""
    process.terminate()
    try:
        process.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        say("demo", "it did not stop in time and is killed")
    for _ in range(round(PATIENCE_SECONDS / POLL_SECONDS)):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        process.poll()  # reaps the leader, or its group would never be empty
        time.sleep(POLL_SECONDS)

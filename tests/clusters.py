"""Worker clusters as an installation runs them: real processes on a real database."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from tempfile import TemporaryDirectory

from django.conf import settings

from config.environment import BASE_DIR

STOPS_WITHIN_SECONDS = 10


@contextmanager
def running_cluster(
    database_url: str, stripe_url: str
) -> Iterator["subprocess.Popen[bytes]"]:
    """`manage.py qcluster` in a process group of its own; nothing of it survives."""
    with TemporaryDirectory() as mails:
        yield from _running(database_url, stripe_url, mails)


def _running(
    database_url: str, stripe_url: str, mails: str
) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "qcluster"],
        cwd=BASE_DIR,
        env={
            **os.environ,
            "DATABASE_URL": database_url,
            "STRIPE_API_HOST": stripe_url,
            "DJANGO_SETTINGS_MODULE": "config.settings.dev",
            # Jobs are signed with it.
            "SECRET_KEY": settings.SECRET_KEY,
            "DEBUG": "false",
            "DEMO_FOLDER": mails,
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
        process.terminate()
        process.wait(STOPS_WITHIN_SECONDS)
    finally:
        kill_cluster(process)


def kill_cluster(process: "subprocess.Popen[bytes]") -> None:
    """As a power cut would: the guard, its workers and whatever they were doing."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()

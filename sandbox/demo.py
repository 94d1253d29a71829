"""`make demo`: the whole product on this machine, from nothing, in one terminal.

Starts, in order: a local Stripe, the database with a month of calls, the worker, the
web, and a switch that keeps placing calls. Ctrl-C stops all of it, last started first,
and the data stays in the demo's folder for the next start.
"""

import fcntl
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from sandbox.cast import LOGINS, PASSWORD, PROVIDER, TEST_CARDS
from sandbox.processes import ROOT, Processes, ProcessFailed, StopAsked, say

WEB_PORT, STRIPE_PORT = 8000, 12111
READY_SECONDS = 60
PYTHON = sys.executable


@dataclass(frozen=True)
class Demo:
    """Where everything is."""

    folder: Path
    site: str
    stripe: str

    @property
    def environment(self) -> dict[str, str]:
        return {
            "DJANGO_SETTINGS_MODULE": "config.settings.dev",
            "DEMO_FOLDER": str(self.folder),
            "SITE_URL": self.site,
            "STRIPE_API_HOST": self.stripe,
            # A page that is not there looks as it will for customers.
            "DEBUG": os.environ.get("DEBUG", "false"),
        }


def main() -> int:
    folder = Path(os.environ.get("DEMO_FOLDER", ROOT / ".demo")).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with only_one(folder):
            demo = Demo(
                folder,
                site=f"http://127.0.0.1:{free_port('the web', WEB_PORT)}",
                stripe=f"http://127.0.0.1:{free_port('Stripe', STRIPE_PORT)}",
            )
            return play(demo)
    except BlockingIOError:
        say("demo", f"A demo is running in {folder} already.")
        return 1


def play(demo: Demo) -> int:
    """Starts everything and keeps it running until someone asks to stop."""
    processes = Processes(demo.environment)
    processes.obey_signals()
    status = 0
    try:
        start_everything(demo, processes)
        while True:
            processes.pause(0.5)
    except StopAsked:
        say("demo", "stopping")
    except ProcessFailed as failure:
        say("demo", str(failure))
        status = 1
    finally:
        processes.stop_all()
    say("demo", "Stopped. The data stays; `make demo` goes on from here.")
    return status


def start_everything(demo: Demo, processes: Processes) -> None:
    processes.start("stripe", stripe_command(demo))
    wait_for(f"{demo.stripe}/", processes)
    processes.run("data", [PYTHON, "manage.py", "prepare_demo"])
    processes.start("worker", [PYTHON, "manage.py", "qcluster"])
    processes.start("web", web_command(demo))
    wait_for(f"{demo.site}/healthz", processes)
    processes.start("switch", [PYTHON, "-m", "sandbox.switch"])
    welcome(demo)


def stripe_command(demo: Demo) -> list[str]:
    file, port = str(demo.folder / "stripe.sqlite3"), demo.stripe.rpartition(":")[2]
    where = ["--port", port, "--file", file]
    return [PYTHON, "-m", "sandbox.stripe", *where, "--merchant", PROVIDER]


def web_command(demo: Demo) -> list[str]:
    granian, port = str(Path(PYTHON).with_name("granian")), demo.site.rpartition(":")[2]
    where = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", port]
    size = ["--workers", "1", "--blocking-threads", "4", "--no-ws"]
    quiet = ["--log-level", "warning", "--workers-kill-timeout", "5"]
    return [granian, *where, *size, *quiet, "config.wsgi:application"]


def wait_for(url: str, processes: Processes) -> None:
    """Returns when the address answers, whatever it answers."""
    for _ in range(READY_SECONDS * 5):
        try:
            with urlopen(url, timeout=5):
                return
        except URLError as error:
            if getattr(error, "code", None):
                return
        except OSError:
            pass  # the listener is up and resets until its server is ready
        processes.pause(0.2)
    raise ProcessFailed(f"{url} did not answer within {READY_SECONDS} s.")


def free_port(what: str, wanted: int) -> int:
    """The usual port, or another that is free, and says so."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found = int(probe.getsockname()[1])
            if found != wanted:
                say("demo", f"Port {wanted} is taken; {what} is on {found}.")
            return found
    raise ProcessFailed("No port of 127.0.0.1 is free.")


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Two demos on one set of files would disturb each other."""
    with (folder / "running").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def welcome(demo: Demo) -> None:
    rows = [
        "",
        f"Tollgate     {demo.site}/",
        f"  mailbox    {demo.site}/mailbox/   every mail Tollgate would have sent",
        f"  staff      {demo.site}/admin/",
        f"  API        {demo.site}/api/v1/docs",
        "",
        f"Sign in with the password {PASSWORD}",
        *(f"  {login.email:<24} {login.who}" for login in LOGINS),
        "",
        "Pay with a test card, any future date, any CVC (nothing leaves this machine)",
        *(f"  {number}   {what}" for number, what in TEST_CARDS),
        "",
        "Ctrl-C stops everything; the data stays.",
        "",
    ]
    for row in rows:
        say("demo", row)


if __name__ == "__main__":
    sys.exit(main())

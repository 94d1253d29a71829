"""Real programs on loopback: SIPp → Kamailio → Tollgate, and SIPp answers.

Kamailio runs the file that docs/switches ships, with this machine's ports in it;
Tollgate runs under its own web server on the test database.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from config.environment import BASE_DIR

SCENARIOS = Path(__file__).parent / "scenarios"
SHIPPED = BASE_DIR / "docs" / "switches" / "kamailio.cfg"
READY_WITHIN_SECONDS = 30
TALKS_WITHIN_SECONDS = 40


class Exchange:
    """The switch with its gateway, and the service it asks, which may go away."""

    def __init__(self, folder: Path, database_url: str, api_key: str) -> None:
        self.folder, self.database_url, self.api_key = folder, database_url, api_key
        self.site = free_port(socket.SOCK_STREAM)
        self.proxy, self.gateway, self.phone = (
            free_port(socket.SOCK_DGRAM) for _number in range(3)
        )
        self._service: subprocess.Popen[bytes] | None = None

    # --- what callers see -------------------------------------------------------------

    def call(
        self,
        scenario: str,
        caller: str,
        callee: str,
        *,
        refusal: int = 0,
        calls: int = 1,
        per_second: int = 1,
    ) -> None:
        """Places calls by SIPp and waits for their end; asserts that all went so."""
        text = (SCENARIOS / f"{scenario}.xml").read_text()
        file = self.folder / f"{scenario}-{refusal}.xml"
        file.write_text(text.replace("REFUSAL", str(refusal)))
        who = ["-s", callee, "-key", "caller", caller, "-p", str(self.phone)]
        many = ["-m", str(calls), "-r", str(per_second), "-l", str(calls)]
        done = subprocess.run(
            ["sipp", "-sf", str(file), *who, *many, *_QUIET, f"127.0.0.1:{self.proxy}"],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TALKS_WITHIN_SECONDS + 20,
            check=False,
        )
        said = b"".join(file.read_bytes() for file in self.folder.glob("*_errors.log"))
        said += done.stdout[-6_500:]
        assert done.returncode == 0, f"{scenario} to {callee}: {said.decode()}"

    # --- the service ------------------------------------------------------------------

    def start_service(self) -> None:
        server = str(Path(sys.executable).with_name("granian"))
        where = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", str(self.site)]
        size = ["--workers", "1", "--blocking-threads", "4", "--no-ws"]
        self._service = _start(
            [server, *where, *size, "--log-level", "error", "config.wsgi:application"],
            DATABASE_URL=self.database_url,
            DJANGO_SETTINGS_MODULE="config.settings.dev",
            DEBUG="false",
        )
        _wait_for(f"http://127.0.0.1:{self.site}/healthz", self._service)

    def stop_service(self) -> None:
        if self._service is not None:
            _kill(self._service)
            self._service = None

    # --- the switch -------------------------------------------------------------------

    def configuration(self) -> Path:
        """The shipped file with this machine's addresses and key."""
        text = SHIPPED.read_text()
        for shipped, ours in {
            "https://tollgate.example/api/v1": f"http://127.0.0.1:{self.site}/api/v1",
            "tg_live_your-sources-key": self.api_key,
            "sip:192.0.2.10:5060": f"sip:127.0.0.1:{self.gateway}",
            "udp:192.0.2.1:5060": f"udp:127.0.0.1:{self.proxy}",
        }.items():
            assert text.count(shipped) == 1, f"{shipped} is not in {SHIPPED.name} once."
            text = text.replace(shipped, ours)
        file = self.folder / "kamailio.cfg"
        file.write_text(text)
        return file


_QUIET = ["-i", "127.0.0.1", "-nostdin", "-trace_err", "-timeout_error"]
_QUIET += ["-timeout", f"{TALKS_WITHIN_SECONDS}s"]


@contextmanager
def running_exchange(
    folder: Path, database_url: str, api_key: str
) -> Iterator[Exchange]:
    """Service, gateway and switch, in that order; nothing of them survives."""
    exchange = Exchange(folder, database_url, api_key)
    gateway = ["sipp", "-sf", str(SCENARIOS / "answers.xml"), "-i", "127.0.0.1"]
    switch = ["kamailio", "-DD", "-E", "-f", str(exchange.configuration())]
    started = []
    try:
        exchange.start_service()
        started.append(_start([*gateway, "-p", str(exchange.gateway), "-nostdin"]))
        started.append(_start([*switch, "-Y", str(folder), "-m", "64"]))
        _wait_for_udp(exchange.proxy)
        yield exchange
    finally:
        for process in started:
            _kill(process)
        exchange.stop_service()


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start(command: list[str], **environment: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        command,
        cwd=BASE_DIR,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    for _try in range(READY_WITHIN_SECONDS * 10):
        assert process.poll() is None, "The web server ended at once."
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"{url} did not answer within {READY_WITHIN_SECONDS} s.")


def _wait_for_udp(port: int) -> None:
    """The port is taken as soon as the switch listens on it."""
    for _try in range(READY_WITHIN_SECONDS * 10):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return
        time.sleep(0.1)
    raise AssertionError(f"Nothing listens on UDP {port}.")

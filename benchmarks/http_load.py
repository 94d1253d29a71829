"""A web server as an installation runs it, and a client that costs little itself.

The client is one thread over raw sockets that are kept open: requests are put together
beforehand, answers are only looked at for what makes them count. Client, server and
database share the machine.
"""

import os
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.clean import NotClean

HERE = Path(__file__).parent.parent
WORKERS, THREADS = 2, 8  # docs/operate.md
PATIENCE = 60.0
COUNTS = b'"decision": "allow"'


@contextmanager
def running_server(url: str, log: Path) -> Iterator[int]:
    """The port of a server that answers; it and its workers end with the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "granian", "--interface", "wsgi"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--no-ws"]
    command += ["--workers", str(WORKERS), "--blocking-threads", str(THREADS)]
    environment = {**os.environ, "DATABASE_URL": url}
    environment["DJANGO_SETTINGS_MODULE"] = "benchmarks.server_settings"
    with log.open("wb") as said:
        server = subprocess.Popen(
            [*command, "benchmarks.server:application"],
            cwd=HERE,
            env=environment,
            stdout=said,
            stderr=said,
        )
        try:
            _wait_for(port, server, log)
            yield port
        finally:
            server.terminate()
            try:
                server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                server.kill()


def _wait_for(port: int, server: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise NotClean(f"The server does not start: {log.read_text()[-300:]}")


@dataclass
class Load:
    """What a run of requests took."""

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        return len(self.times) / self.seconds

    def percentile(self, share: float) -> float:
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def play_load(
    port: int,
    connections: int,
    seconds: float,
    make: Callable[[], bytes],
    *,
    at_least: int = 0,
) -> Load:
    """Keeps every connection busy for so long, and for at least so many requests.

    Raises at an answer that is no use.
    """
    load = Load()
    with selectors.DefaultSelector() as selector:
        started = time.perf_counter()
        for _ in range(connections):
            line = _Line(port)
            selector.register(line.socket, selectors.EVENT_READ, line)
            line.ask(make())
        busy, until = connections, started + seconds
        while busy:
            for key, _events in selector.select(timeout=PATIENCE):
                line = key.data
                if not line.hear():
                    continue
                now = time.perf_counter()
                load.times.append(now - line.asked_at)
                if now < until or len(load.times) < at_least:
                    line.ask(make())
                else:
                    busy -= 1
                    selector.unregister(line.socket)
                    line.socket.close()
        load.seconds = time.perf_counter() - started
    return load


class _Line:
    """One connection, with one request at a time."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.heard = b""
        self.asked_at = 0.0

    def ask(self, request: bytes) -> None:
        self.heard = b""
        self.asked_at = time.perf_counter()
        self.socket.sendall(request)

    def hear(self) -> bool:
        """Whether the answer is complete; raises NotClean if it does not count."""
        part = self.socket.recv(65_536)
        self.heard += part
        head, found, body = self.heard.partition(b"\r\n\r\n")
        if not part:
            raise NotClean("The server hung up.")
        if not found:
            return False
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
        if len(body) < int(length):
            return False
        if not head.startswith(b"HTTP/1.1 200") or COUNTS not in body:
            raise NotClean(f"An answer does not count: {self.heard[:300]!r}")
        return True


def get_request(path: str) -> Callable[[], bytes]:
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    return lambda: request


def post_request(path: str, secret: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {secret}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body

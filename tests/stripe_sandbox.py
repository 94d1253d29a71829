"""The sandbox Stripe as tests use it: the real process, one per run and worker.

The fixture `stripe_sandbox` is emptied first, and the stripe library speaks to it.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEST_KEY = "sk_test_sandbox000000000000000000"
STOPS_WITHIN_SECONDS = 5

Json = dict[str, Any]


@dataclass
class StripeSandbox:
    url: str
    process: subprocess.Popen[str]

    def fail(
        self,
        kind: str,
        path: str = "",
        times: int = 1,
        method: str = "POST",
        seconds: float = 1.0,
    ) -> None:
        """The next requests (or deliveries, where `path` is an event type) go wrong."""
        wanted = {"kind": kind, "path": path, "times": times, "seconds": seconds}
        self._ask("POST", "failures", wanted | {"method": method})

    def clock(self, at: int | None) -> None:
        """Sets its time, from which it runs on; None puts it right again."""
        self._ask("POST", "clock", {"now": at})

    def deliveries(self) -> list[Json]:
        found: list[Json] = self._ask("GET", "deliveries")["data"]
        return found

    def wait_for_deliveries(self, within_seconds: float = 10.0) -> list[Json]:
        """Waits until no delivery is under way any more, and returns them all."""
        until = time.monotonic() + within_seconds
        while time.monotonic() < until:
            found = self.deliveries()
            if not any(one["state"] in ("waiting", "held") for one in found):
                return found
            time.sleep(0.02)
        raise AssertionError(f"Deliveries are still under way: {self.deliveries()}")

    def finish_processing(self, payment_intent: str, outcome: str) -> None:
        """A payment left `processing` by that failure ends `succeeded` or `failed`."""
        wanted = {"payment_intent": payment_intent, "outcome": outcome}
        self._ask("POST", "processing", wanted)

    def empty(self) -> None:
        self._ask("DELETE", "data")

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(STOPS_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _ask(self, method: str, what: str, sent: Json | None = None) -> Json:
        parts = urlsplit(self.url)
        connection = HTTPConnection(str(parts.hostname), parts.port, timeout=10)
        try:
            headers = {"Content-Type": "application/json"}
            body = None if sent is None else json.dumps(sent)
            connection.request(method, f"/_sandbox/{what}", body, headers)
            answer = connection.getresponse()
            said: Json = json.loads(answer.read())
        finally:
            connection.close()
        assert answer.status == 200, said
        return said


@contextmanager
def running_stripe(folder: Path, *arguments: str) -> Iterator[StripeSandbox]:
    """Starts the process on a free port and waits until it says where it listens."""
    command = [sys.executable, "-m", "sandbox.stripe", "--port", "0"]
    command += ["--file", str(folder / "stripe.sqlite3"), *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout
        words = child.stdout.readline().split()
        urls = [word.rstrip(",") for word in words if word.startswith("http://")]
        sandbox = StripeSandbox(urls[0] if urls else "", child)
        try:
            assert urls, "The sandbox Stripe did not start."
            yield sandbox
        finally:
            sandbox.stop()


@pytest.fixture(scope="session")
def stripe_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StripeSandbox]:
    with running_stripe(tmp_path_factory.mktemp("stripe")) as sandbox:
        yield sandbox


@pytest.fixture
def stripe_sandbox(
    stripe_process: StripeSandbox, monkeypatch: pytest.MonkeyPatch
) -> StripeSandbox:
    """An empty sandbox Stripe that the stripe library speaks to, without retries."""
    import stripe  # slow to import, and most tests do not pay

    stripe_process.empty()
    monkeypatch.setattr(stripe, "api_base", stripe_process.url)
    monkeypatch.setattr(stripe, "api_key", TEST_KEY)
    monkeypatch.setattr(stripe, "max_network_retries", 0)
    return stripe_process

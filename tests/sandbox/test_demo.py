"""`make demo` as a person uses it: start, sign in, look, stop, start again."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest

from sandbox.cast import FORMOSA, PASSWORD
from sandbox.processes import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo")]
STARTS_WITHIN_SECONDS = 180  # two cores, shared with the other tests
STOPS_WITHIN_SECONDS = 60


class RunningDemo:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sandbox.demo"],
            cwd=ROOT,
            env={**_clean_environment(), "DEMO_FOLDER": str(folder)},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def wait_until_ready(self) -> None:
        assert self.process.stdout is not None
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        for line in self.process.stdout:
            self.seen.append(line)
            if "Ctrl-C stops everything" in line:
                return
            assert time.monotonic() < deadline, self.told
        raise AssertionError(self.told)

    @property
    def told(self) -> str:
        return "".join(self.seen)

    @property
    def site(self) -> str:
        found = re.search(r"Tollgate +(http://127\.0\.0\.1:\d+)/", self.told)
        assert found, self.told
        return found[1]

    def stop(self, number: int) -> int:
        self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=STOPS_WITHIN_SECONDS)
        self.seen.append(rest)
        return self.process.returncode

    def survivors(self) -> list[str]:
        """Every process on this machine that was started for this demo's folder."""
        mark = f"DEMO_FOLDER={self.folder}\0".encode()
        alive = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and mark in (entry / "environ").read_bytes():
                    alive.append((entry / "cmdline").read_text().replace("\0", " "))
            except OSError:
                continue  # it ended meanwhile, or is not ours
        return alive


def _clean_environment() -> dict[str, str]:
    ours = {"DATABASE_URL", "TEST_DATABASE_URL", "DJANGO_SETTINGS_MODULE", "SITE_URL"}
    return {name: text for name, text in os.environ.items() if name not in ours}


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[RunningDemo]:
    running = RunningDemo(tmp_path / "demo")
    yield running
    if running.process.poll() is None:
        running.stop(signal.SIGTERM)


class Browser:
    """Just enough of one: cookies, forms, the CSRF token."""

    def __init__(self, site: str) -> None:
        self.site = site
        self.opener = build_opener(HTTPCookieProcessor(CookieJar()))

    def get(self, path: str) -> str:
        with self.opener.open(f"{self.site}{path}", timeout=20) as answer:
            return str(answer.read().decode())

    def post(self, path: str, fields: dict[str, str]) -> str:
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get(path))
        assert token
        body = urlencode({**fields, "csrfmiddlewaretoken": token[1]}).encode()
        request = Request(f"{self.site}{path}", data=body)
        with self.opener.open(request, timeout=20) as answer:
            return str(answer.read().decode())


def sign_in(site: str) -> Browser:
    browser = Browser(site)
    login = {"login": FORMOSA.owner.email, "password": PASSWORD}
    browser.post("/accounts/login/", login)
    return browser


def test_the_demo_starts_shows_itself_stops_and_starts_again(demo: RunningDemo) -> None:
    demo.wait_until_ready()
    assert FORMOSA.owner.email in demo.told
    assert "4242 4242 4242 4242" in demo.told

    page = sign_in(demo.site).get("/credits/")
    assert FORMOSA.name in page
    assert "Mailbox" in Browser(demo.site).get("/mailbox/")
    assert Browser(demo.site).get("/static/app.css")

    assert demo.stop(signal.SIGINT) == 0
    assert demo.survivors() == []
    stopped = re.findall(r"stopping (\w+)", demo.told)
    assert stopped == ["switch", "web", "worker", "stripe"]

    again = RunningDemo(demo.folder)
    try:
        again.wait_until_ready()
        assert FORMOSA.name in sign_in(again.site).get("/credits/")
    finally:
        assert again.stop(signal.SIGTERM) == 0
    assert again.survivors() == []


def test_a_stop_during_the_start_leaves_nothing(demo: RunningDemo) -> None:
    assert demo.process.stdout is not None
    for line in demo.process.stdout:
        if "data │" in line or "stripe │" in line:
            break
    assert demo.stop(signal.SIGTERM) == 0
    assert demo.survivors() == []

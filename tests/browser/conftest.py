"""Chromium against a live server: a person with a mouse, watched for complaints."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from playwright.sync_api import ConsoleMessage, Page
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.accounts.recently import signed_in_recently
from tests.calling.conftest import card, mei, pbx
from tests.stripe_sandbox import stripe_process, stripe_sandbox

__all__ = ["card", "mei", "pbx", "stripe_process", "stripe_sandbox"]

PASSWORD = "correct horse battery"  # what the makers give everybody


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    return {
        "executable_path": shutil.which("chromium"),
        "args": ["--no-sandbox", "--disable-dev-shm-usage"],
    }


@dataclass
class Visitor:
    """A browser window at our address; `complaints` end every test empty."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        self.page.goto(self.address + path)

    def refused(self, path: str, status: int) -> None:
        """Opens a page that answers with a refusal, which the console repeats."""
        self.go(path)
        said = [line for line in self.complaints if f"status of {status} " in line]
        assert len(said) == 1, self.complaints
        self.complaints.remove(said[0])

    def sign_in_as(self, user: User) -> None:
        """By cookie; the journey of sign-up walks through the form itself."""
        client = signed_in_recently(user)
        name = django_settings.SESSION_COOKIE_NAME
        cookie = client.cookies[name].value
        self.page.context.add_cookies(
            [{"name": name, "value": cookie, "url": self.address}]
        )


@pytest.fixture
def visitor(
    page: Page, live_server: LiveServer, settings: Settings
) -> Iterator[Visitor]:
    """Any complaint of the console fails the test; that is how the policy is tried."""
    settings.SITE_URL = live_server.url
    cache.clear()  # tries are counted, and earlier tests may have tried
    visitor = Visitor(page, live_server.url)

    def listen(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            visitor.complaints.append(message.text)

    page.on("console", listen)
    page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
    yield visitor
    assert visitor.complaints == []

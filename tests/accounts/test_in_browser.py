"""Signing up and setting up a second factor in Chromium, under the strict policy."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail
from playwright.sync_api import Page, expect

from accounts.models import User
from tests.accounts.codes import app_code, mailed_code

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "correct horse battery"


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    return {
        "executable_path": shutil.which("chromium"),
        "args": ["--no-sandbox", "--disable-dev-shm-usage"],
    }


@pytest.fixture
def complaints(page: Page) -> Iterator[list[str]]:
    """What the browser complained of; nothing, at the end of every test."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    yield said
    assert said == []


def test_a_newcomer_signs_up_and_sets_up_a_second_factor(
    page: Page, live_server: Any, complaints: list[str]
) -> None:
    page.goto(f"{live_server.url}/accounts/signup/")
    page.get_by_label("Email").fill("dora@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password (again)").fill(PASSWORD)
    page.get_by_role("button", name="Create an account").click()
    page.get_by_label("Code").fill("WRONG")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("alert")).to_be_focused()
    page.get_by_label("Code").fill(mailed_code(mail.outbox[0]))
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url("**/open/")
    page.goto(f"{live_server.url}/account/")
    page.get_by_label("Name").fill("Dora")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your settings are saved.")).to_be_visible()
    page.get_by_role("link", name="Manage two-factor authentication").click()
    page.get_by_role("link", name="Activate").click()
    expect(page.locator("img.qr")).to_be_visible()
    secret = page.get_by_label("Authenticator secret").input_value()
    page.get_by_label("Authenticator code").fill(app_code(secret))
    page.get_by_role("button", name="Activate").click()
    expect(page.get_by_label("Unused codes")).to_be_visible()
    assert User.objects.get().name == "Dora"


def test_errors_are_tied_to_their_fields(
    page: Page, live_server: Any, complaints: list[str]
) -> None:
    page.goto(f"{live_server.url}/accounts/signup/")
    page.get_by_label("Email").fill("dora@example.com")
    page.get_by_label("Password", exact=True).fill("4815162342")
    page.get_by_label("Password (again)").fill("4815162342")
    page.get_by_role("button", name="Create an account").click()
    field = page.get_by_label("Password", exact=True)
    expect(field).to_have_attribute("aria-invalid", "true")
    described = str(field.get_attribute("aria-describedby")).split()
    texts = [page.locator(f"#{name}").inner_text() for name in described]
    assert any("entirely numeric" in text for text in texts)

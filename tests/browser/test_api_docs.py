"""The API's own pages: read under our policy, and a key made by hand that works."""

import pytest
from playwright.sync_api import expect

from accounts.models import Organisation, User
from tests.api_client import get
from tests.browser.conftest import Visitor

pytestmark = pytest.mark.browser


def test_the_docs_page_shows_every_operation_from_here(visitor: Visitor) -> None:
    visitor.go("/api/v1/docs")
    page = visitor.page
    expect(page.get_by_text("Start a top-up")).to_be_visible(timeout=15_000)
    expect(page.get_by_text("/api/v1/calls/authorize")).to_be_visible()
    page.get_by_text("Start a top-up").click()
    expect(page.get_by_text("Idempotency-Key").first).to_be_visible()


def test_a_developer_makes_a_key_and_asks_with_it(
    visitor: Visitor, alice: User, formosa: Organisation
) -> None:
    visitor.sign_in_as(alice)
    visitor.go("/webhooks/")
    page = visitor.page
    page.get_by_role("link", name="Create a key").click()
    page.get_by_label("Name").fill("shop")
    page.get_by_label("read balance, lots and ledger").check()
    page.get_by_role("button", name="Create").click()
    secret = page.locator("#secret").inner_text()
    assert get("/balance", secret).json()["billing_mode"] == "PREPAID"
    page.get_by_role("link", name="I have stored it").click()
    expect(page.get_by_role("cell", name="shop").first).to_be_visible()
    page.get_by_role("link", name="Revoke shop").click()
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("No keys.")).to_be_visible()
    assert get("/balance", secret).status_code == 401

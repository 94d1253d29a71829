"""The payment page in Chromium: its policy lets the person through, and nobody else."""

import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import stripe
from playwright.sync_api import Page, expect

from tests.sandbox.clicks import again, open_session

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("stripe_sandbox")]


class Shop(BaseHTTPRequestHandler):
    """Where the person comes back to."""

    def do_GET(self) -> None:
        content = f"<!doctype html><title>Shop</title><p>{self.path}</p>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        """The browser shows what was asked for."""


@pytest.fixture
def shop() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


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


def pay(page: Page, number: str, button: str = "Pay US$500.00") -> None:
    page.get_by_label("Card number").fill(number)
    page.get_by_label("Expiry date").fill("12/34")
    page.get_by_label("Security code").fill("123")
    page.get_by_role("button", name=button).click()


def test_a_person_is_declined_approves_and_returns_to_the_shop(
    page: Page, shop: str, complaints: list[str]
) -> None:
    session = open_session(
        customer=stripe.Customer.create().id,
        success_url=f"{shop}/paid?session={{CHECKOUT_SESSION_ID}}",
    )
    page.goto(str(session.url))
    pay(page, "4000 0000 0000 9995")
    expect(page.get_by_role("alert")).to_contain_text("insufficient funds")
    pay(page, "4000 0027 6000 3184")
    page.get_by_role("button", name="Fail").click()
    expect(page.get_by_role("alert")).to_contain_text("unable to authenticate")
    pay(page, "4000 0027 6000 3184")
    page.get_by_role("button", name="Complete").click()
    expect(page).to_have_url(f"{shop}/paid?session={session.id}")
    assert again(session).payment_status == "paid"


def test_a_person_saves_a_card_that_the_bank_asks_about(
    page: Page, shop: str, complaints: list[str]
) -> None:
    owner = stripe.Customer.create().id
    session = stripe.checkout.Session.create(
        cancel_url=f"{shop}/back",
        currency="usd",
        customer=owner,
        mode="setup",
        success_url=f"{shop}/saved?session={{CHECKOUT_SESSION_ID}}",
    )
    page.goto(str(session.url))
    expect(page.get_by_role("heading", name="Save a card")).to_be_visible()
    pay(page, "4000 0000 0000 0002", "Save card")
    expect(page.get_by_role("alert")).to_contain_text("Card not saved")
    pay(page, "4000 0027 6000 3184", "Save card")
    page.get_by_role("button", name="Complete").click()
    expect(page).to_have_url(f"{shop}/saved?session={session.id}")
    assert len(stripe.PaymentMethod.list(customer=owner).data) == 1


def test_another_card_is_asked_for_only_when_it_is_chosen(
    page: Page, shop: str, complaints: list[str]
) -> None:
    customer = stripe.Customer.create().id
    saved = stripe.PaymentMethod.attach("pm_card_visa", customer=customer).id
    stripe.PaymentMethod.modify(saved, allow_redisplay="always")
    session = open_session(customer=customer, cancel_url=f"{shop}/back")
    page.goto(str(session.url))
    expect(page.get_by_label("Visa ending 4242")).to_be_checked()
    expect(page.get_by_label("Card number")).to_be_hidden()
    page.get_by_label("Another card").check()
    expect(page.get_by_label("Card number")).to_be_visible()
    page.get_by_role("link", name="Cancel and return").click()
    expect(page).to_have_url(f"{shop}/back")


@pytest.mark.parametrize("width", [1360, 390, 320])
def test_the_page_fits_its_window(
    page: Page, width: int, complaints: list[str]
) -> None:
    session = open_session(
        customer=stripe.Customer.create().id,
        locale="zh-TW",
        saved_payment_method_options={"payment_method_save": "enabled"},
    )
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(str(session.url))
    page.get_by_text("測試卡號").click()
    assert page.evaluate("document.documentElement.scrollWidth") == width

"""Every page, both languages, both themes: usable, within its window, without script.

axe-core judges what a machine can of accessibility. Our own policy keeps it out of the
page, rightly; evaluated by the browser's driver it is not part of the page.
"""

from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from accounts.models import Organisation, User
from billing.models import TopUpState
from billing.transfers.announce_transfer import announce_transfer, cancel_transfer
from calling.models import Line, RateCardVersion, Source
from credits.models import LotKind
from credits.money import to_micros
from tests import makers
from tests.browser.conftest import Visitor
from tests.browser.invoice_pages import invoice_pages
from tests.browser.live_pages import live_pages
from tests.browser.plan_pages import plan_pages, pool_pages
from tests.browser.recharge_pages import recharge_pages
from tests.browser.webhook_pages import webhook_pages
from tests.calling.telephony import make_record, take_in

pytestmark = pytest.mark.browser

REVIEW = "/credits/add/review/?amount=500&key=6b0f3b0e-6f77-4c4e-9a53-4f54e7c0a111"
RATES = ["/rates/", "/rates/?country=JP"]
SIGNED_OUT = ["/accounts/login/", "/accounts/signup/", "/help/", *RATES]
SIGNED_IN = ["/", "/credits/", "/usage/", "/credits/add/", REVIEW, "/open/", "/help/"]
SIGNED_IN += ["/credits/transfer/", "/spending-limit/", "/statements/"]
SIGNED_IN += ["/subscriptions/post-paid/", "/subscriptions/post-paid/?limit=100"]
SIGNED_IN += [*RATES, "/rates/quote/", "/usage/departments/"]
SIGNED_IN += ["/plans/", "/plans/catalogue/", "/lines/", "/lines/add/"]
SIGNED_IN += ["/lines/import/", "/lines/numbers/"]
LANGUAGES = {"en": "en", "zh-hant": "zh-Hant"}
THEMES = ["light", "dark"]


@cache
def axe() -> str:
    return (Path(__file__).parent / "axe-4.14.1.min.js").read_text("utf-8")


def violations(page: Page) -> list[str]:
    page.evaluate(axe())
    found: dict[str, Any] = page.evaluate("axe.run()")
    return [
        f"{page.url} {rule['id']}: {node['html'][:120]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


@pytest.fixture
def pages(
    alice: User,
    formosa: Organisation,
    card: RateCardVersion,
    pbx: Source,
    mei: Line,
) -> list[str]:
    """Addresses of a Formosa that has bought, been given, phoned, and failed to pay."""
    makers.make_terms("USD")
    now = timezone.now()
    paid = makers.make_lot(formosa, "500", kind=LotKind.PURCHASE, at=now)
    makers.make_lot(formosa, "20", at=now, expires_at=now + timedelta(days=9))
    failed = makers.make_top_up(formosa, "50", state=TopUpState.FAILED, at=now)
    days = [now - timedelta(days=n, minutes=30) for n in range(12)]
    plans = plan_pages(formosa, mei, now - timedelta(days=20))
    records = [
        make_record(f"call-{n}", seconds=900, at=at) for n, at in enumerate(days)
    ]
    take_in(pbx, *records, at=now)
    call = formosa.call_records.get(source_record_id="call-3")
    top_ups = [f"/top-ups/{paid.sale_id}/", failed.get_absolute_url()]
    return [
        *SIGNED_IN,
        *top_ups,
        f"/usage/{call.pk}/",
        *recharge_pages(formosa),
        *plans,
        *pool_pages(formosa),
        *live_pages(formosa, mei, now),
        *webhook_pages(formosa, now),
        *transfer_pages(formosa, alice, now),
        *invoice_pages(formosa, alice, now),
        f"/statements/{formosa.local_day(now):%Y-%m}/",
    ]


def transfer_pages(formosa: Organisation, alice: User, at: datetime) -> list[str]:
    """A transfer that is awaited, one that was cancelled, and one that arrived."""
    awaited, cancelled = (
        announce_transfer(formosa, to_micros("100"), client_key=key, actor=alice, at=at)
        for key in ("awaited", "cancelled")
    )
    cancel_transfer(cancelled, actor=alice, at=at)
    arrived = makers.make_staff_payment(formosa, "100", by=alice, at=at)
    pages = (awaited, cancelled, arrived)
    return [page.get_absolute_url() for page in pages]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_has_an_accessibility_violation(
    visitor: Visitor, alice: User, pages: list[str], language: str, theme: str
) -> None:
    page = visitor.page
    page.context.add_cookies(
        [{"name": "django_language", "value": language, "url": visitor.address}]
    )
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    found: list[str] = []
    for path in SIGNED_OUT:
        visitor.go(path)
        found += violations(page)
    alice.language = language
    alice.save()
    visitor.sign_in_as(alice)
    for path in pages:
        visitor.go(path)
        expect(page.locator("html")).to_have_attribute("lang", LANGUAGES[language])
        assert page.get_by_role("heading", level=1).count() == 1
        found += violations(page)
    assert found == []


@pytest.mark.parametrize("width", [1360, 768, 390, 320])
def test_every_page_fits_its_window(
    visitor: Visitor, alice: User, pages: list[str], width: int
) -> None:
    page = visitor.page
    page.set_viewport_size({"width": width, "height": 844})
    visitor.sign_in_as(alice)
    wide = []
    for path in pages:
        visitor.go(path)
        measured = page.evaluate("document.documentElement.scrollWidth")
        if measured > width:
            wide.append((path, measured))
    assert wide == []


def test_pages_read_and_work_without_script(
    browser: Browser, visitor: Visitor, alice: User, pages: list[str]
) -> None:
    context = browser.new_context(java_script_enabled=False)
    visitor.page = page = context.new_page()
    visitor.sign_in_as(alice)
    visitor.go("/credits/")
    expect(page.locator(".amount")).to_be_visible()
    page.get_by_role("link", name="Add funds").first.click()
    page.get_by_label("US$100.00").check(force=True)
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_role("button", name="Pay US$100.00")).to_be_visible()
    visitor.go("/usage/")
    page.get_by_label("Kind").select_option("domestic")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("No calls in this period.")).to_be_visible()
    context.close()


def test_theme_and_language_are_chosen_and_kept(
    visitor: Visitor, alice: User, formosa: Organisation
) -> None:
    page = visitor.page
    visitor.sign_in_as(alice)
    visitor.go("/")
    paper = "getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="light")
    light = page.evaluate(paper)
    page.get_by_text("Account menu").locator("..").click()
    page.get_by_role("button", name="Dark theme").click()
    assert page.evaluate(paper) != light
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="繁體中文").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("總覽")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    alice.refresh_from_db()
    assert alice.language == "zh-hant"


def test_the_keyboard_reaches_the_content_first(
    visitor: Visitor, alice: User, formosa: Organisation
) -> None:
    page = visitor.page
    visitor.sign_in_as(alice)
    visitor.go("/credits/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()

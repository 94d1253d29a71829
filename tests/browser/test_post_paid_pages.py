"""The pages of an organisation billed after use, and the way there (rule 2.3)."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import Organisation, User
from calling.models import Line, Source
from credits.money import to_micros
from tests import makers
from tests.billing.convert.moving import make_twins, move
from tests.browser.conftest import Visitor
from tests.browser.test_every_page import violations
from tests.calling.plans import take
from tests.calling.telephony import make_record, take_in

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("card")]

PAGES = ["/", "/credits/", "/spending-limit/", "/subscriptions/post-paid/done/"]
PAGES += ["/subscriptions/", "/help/"]


@pytest.fixture
def post_paid(formosa: Organisation, mei: Line, pbx: Source) -> Organisation:
    """Formosa after its move: leftover credit, a plan, a limit, two weeks of calls."""
    now = timezone.now()
    before = now - timedelta(days=20)
    prepaid, _nce = make_twins()
    take(formosa, prepaid, mei, at=before)
    makers.make_lot(formosa, "2", at=before)
    makers.make_lot(formosa, "40", at=before, expires_at=now + timedelta(days=9))
    organisation = move(
        formosa, at=now - timedelta(days=14), spending_limit=to_micros("50")
    )
    days = [now - timedelta(days=n, minutes=30) for n in range(13)]
    records = [
        make_record(f"call-{n}", seconds=18_000, at=at) for n, at in enumerate(days)
    ]
    take_in(pbx, *records, at=now)
    return organisation


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("zh-hant", "dark")])
def test_pages_of_a_post_paid_organisation_can_be_used_by_everybody(
    visitor: Visitor, alice: User, post_paid: Organisation, language: str, theme: str
) -> None:
    alice.language = language
    alice.save()
    page = visitor.page
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    visitor.sign_in_as(alice)
    found, wide = [], []
    for path in PAGES:
        visitor.go(path)
        assert page.get_by_role("heading", level=1).count() == 1
        found += violations(page)
        for width in (1360, 320):
            page.set_viewport_size({"width": width, "height": 844})
            measured = page.evaluate("document.documentElement.scrollWidth")
            wide += [(path, measured)] if measured > width else []
    assert (found, wide) == ([], [])


def test_an_owner_moves_the_organisation_with_the_wizard(
    visitor: Visitor, alice: User, formosa: Organisation, mei: Line
) -> None:
    prepaid, nce = make_twins()
    take(formosa, prepaid, mei, at=timezone.now() - timedelta(days=1))
    page = visitor.page
    visitor.sign_in_as(alice)
    visitor.go("/subscriptions/")
    page.get_by_role("link", name="See what the move does").click()
    page.get_by_label("Spending limit a month (optional)").fill("1,000")
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("I understand that there is no way back").check()
    page.get_by_role("button", name="Move to post-paid now").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "You are billed after use"
    )
    expect(page.get_by_text("US$1,000.00")).to_be_visible()
    page.get_by_role("link", name="See how you are billed").click()
    expect(page.get_by_text("Billed after use, this month")).to_be_visible()
    assert page.get_by_role("link", name="Add funds").count() == 0
    formosa.refresh_from_db()
    assert not formosa.buys_credits
    assert formosa.subscriptions.get(ends_at=None).plan == nce

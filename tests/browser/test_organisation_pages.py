"""The owner's pages about the organisation: usable in both languages (rule 1.8)."""

import pytest
from playwright.sync_api import expect

from accounts.models import Organisation, User
from tests.browser.conftest import Visitor
from tests.browser.test_every_page import LANGUAGES, violations
from tests.makers import make_lot

pytestmark = pytest.mark.browser
PAGES = ["/organisation/", "/organisation/owner/", "/organisation/close/"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_owner_pages_are_accessible_and_fit(
    visitor: Visitor, alice: User, formosa: Organisation, language: str
) -> None:
    make_lot(formosa, "20")
    alice.language = language
    alice.save()
    visitor.sign_in_as(alice)
    found: list[object] = []
    for path in PAGES:
        visitor.go(path)
        assert visitor.page.get_by_role("heading", level=1).count() == 1
        found += violations(visitor.page)
        for width in (1360, 390):
            visitor.page.set_viewport_size({"width": width, "height": 844})
            measured = visitor.page.evaluate("document.documentElement.scrollWidth")
            found += [(path, width, measured)] if measured > width else []
    assert found == []


def test_an_owner_closes_by_typing_the_name(
    visitor: Visitor, alice: User, formosa: Organisation
) -> None:
    visitor.sign_in_as(alice)
    visitor.go("/organisation/close/")
    visitor.page.get_by_label("Name of the organisation").fill(formosa.name)
    visitor.page.get_by_role("button", name="Close the organisation").click()
    expect(visitor.page.get_by_text("This organisation was closed on")).to_be_visible()
    formosa.refresh_from_db()
    assert formosa.closed_at is not None

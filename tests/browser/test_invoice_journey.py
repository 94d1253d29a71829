"""A late invoice is paid in a browser, from the list of documents to the last pill."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import Organisation, User
from billing.collecting.dun_invoices import dun_invoices
from tests.billing.collecting.collector import make_issued
from tests.browser.conftest import Visitor
from tests.browser.test_journeys import PAYS, type_card

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("stripe_sandbox")]


def test_paid_on_stripes_page_what_was_stopped_goes_on(
    visitor: Visitor, alice: User, formosa: Organisation
) -> None:
    now = timezone.now()
    invoice = make_issued(formosa, at=now - timedelta(days=30))
    dun_invoices(now)
    page = visitor.page
    visitor.sign_in_as(alice)
    visitor.go("/")
    page.get_by_role("link", name="Invoices & receipts").click()
    expect(page.get_by_text("US$123.45 is late.")).to_be_visible()
    page.get_by_role("link", name=f"Invoice {invoice.number}").click()
    expect(page.get_by_text("All calls but emergency calls are")).to_be_visible()
    page.get_by_role("button", name="Pay US$123.45").click()
    type_card(page, PAYS, "US$123.45")
    expect(page.get_by_text("This invoice is paid.")).to_be_visible()
    visitor.go(invoice.get_absolute_url())
    expect(page.locator(".pagehead .pill")).to_have_text("Paid")
    formosa.refresh_from_db()
    assert formosa.restricted_at is None
    assert formosa.suspended_at is None

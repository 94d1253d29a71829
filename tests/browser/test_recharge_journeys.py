"""Auto-recharge as people meet it, from the first click to the funds (rule 5)."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.core.cache import cache
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Organisation, User
from accounts.send import send_due_notices
from billing.models import PaymentMethod, RechargeAttempt, RechargeCause, TopUp
from billing.prove import prove
from billing.recharging.recharge import recharge_if_wanted
from credits.models import Lot
from tests import makers
from tests.billing.recharging import switch_on
from tests.billing.saving_cards import save_card
from tests.browser.conftest import Visitor
from tests.browser.test_journeys import PAYS
from tests.stripe_sandbox import StripeSandbox

pytestmark = pytest.mark.browser

DECLINES_LATER = "4000 0000 0000 0341"
ANOTHER = "5555 5555 5555 4444"
ALWAYS_ASKS = "4000002760003184"


@pytest.fixture
def page(
    visitor: Visitor,
    alice: User,
    formosa: Organisation,
    stripe_sandbox: StripeSandbox,
) -> Page:
    """Alice, signed in a moment ago."""
    cache.clear()
    makers.make_terms("USD")
    visitor.sign_in_as(alice)
    return visitor.page


def type_card(page: Page, number: str) -> None:
    """On Stripe's page for saving a card."""
    page.get_by_label("Card number").fill(number)
    page.get_by_label("Expiry date").fill("12/34")
    page.get_by_label("Security code").fill("123")
    page.locator("form button").last.click()


def heading(page: Page, text: str | re.Pattern[str]) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def add_card(page: Page, number: str, saved: str) -> None:
    heading(page, "Add card")
    page.get_by_role("button", name="Enter the card").click()
    type_card(page, number)
    heading(page, f"{saved} is saved.")


def fill_settings(page: Page, trigger: str, amount: str, limit: str) -> None:
    page.get_by_label("When the available balance falls below").fill(trigger)
    page.get_by_label("Add", exact=True).fill(amount)
    page.get_by_label("Monthly limit").fill(limit)


def test_set_up_auto_recharge_with_the_available_balance_already_below(
    page: Page, visitor: Visitor, formosa: Organisation
) -> None:
    makers.make_lot(formosa, "30", at=timezone.now())
    visitor.go("/credits/")
    page.get_by_role("link", name="Subscriptions").click()
    page.get_by_role("link", name="Communications Credits").click()
    page.get_by_role("link", name="Add card").click()
    add_card(page, PAYS, "Visa ending 4242")
    page.get_by_role("link", name="Set up auto-recharge").click()
    heading(page, "Auto-recharge settings")
    fill_settings(page, "1,000", "2,000", "4,000")
    sentence = (
        "When the available balance falls below US$1,000.00 we add US$2,000.00, at "
        "most US$4,000.00 a month."
    )
    expect(page.get_by_text(sentence)).to_be_visible()  # it follows what is typed
    page.get_by_role("button", name="Save and charge US$2,000.00 now").click()
    heading(page, "Review auto-recharge")
    assert not RechargeAttempt.objects.exists()
    page.get_by_role("button", name="Save and charge US$2,000.00 now").click()
    expect(page.get_by_role("alert")).to_be_focused()
    visitor.complaints.clear()  # the browser repeats the 422
    page.get_by_label("I agree").check()
    page.get_by_role("button", name="Save and charge US$2,000.00 now").dblclick()
    heading(page, "US$2,000.00 added.")
    page.get_by_role("link", name="Back to Credits").click()
    expect(page.locator(".amount")).to_have_text("US$2,030.00")
    card = page.get_by_role("region", name="Auto-recharge")
    expect(card).to_contain_text("US$2,000.00 of US$4,000.00")
    expect(card.locator(".pill")).to_have_text("On")
    assert TopUp.objects.count() == RechargeAttempt.objects.count() == 1
    assert prove(at=timezone.now()).breaches == []


def test_approve_a_recharge_from_the_mail_link(
    page: Page,
    visitor: Visitor,
    formosa: Organisation,
    stripe_sandbox: StripeSandbox,
) -> None:
    now = timezone.now()
    method = save_card(formosa)
    stripe_sandbox.change_card(method.stripe_payment_method_id, ALWAYS_ASKS)
    switch_on(formosa, method, at=now)
    recharge_if_wanted(formosa.pk, cause=RechargeCause.SAVE, at=now, is_asked=True)
    send_due_notices(now)
    [message] = mail.outbox
    assert "US$100.00" in message.subject
    link = re.search(r"http://\S+", str(message.body))
    assert link
    page.goto(link[0])
    heading(page, "Your bank wants you to approve US$100.00.")
    page.get_by_role("button", name="Approve payment").click()
    page.get_by_label("Another card").check()
    page.get_by_label("Card number").fill(ALWAYS_ASKS)
    page.get_by_label("Expiry date").fill("12/34")
    page.get_by_label("Security code").fill("123")
    page.get_by_role("button", name="Pay US$100.00").click()
    page.get_by_role("button", name="Complete").click()
    heading(page, "US$100.00 added.")
    page.get_by_role("link", name="Auto-recharge", exact=True).first.click()
    expect(page.locator("h1 .pill")).to_have_text("On")
    assert Lot.objects.get().kind == "recharge"
    assert TopUp.objects.count() == 1
    assert prove(at=timezone.now()).breaches == []


def test_change_the_card_after_a_decline(
    page: Page, visitor: Visitor, formosa: Organisation
) -> None:
    now = timezone.now()
    switch_on(formosa, save_card(formosa, DECLINES_LATER), at=now)
    recharge_if_wanted(formosa.pk, cause=RechargeCause.SAVE, at=now, is_asked=True)
    visitor.go("/auto-recharge/")
    expect(page.locator("h1 .pill")).to_have_text("Payment problem")
    main = page.locator("main")
    expect(main).to_contain_text("Visa ending 0341 was declined.")
    expect(main).to_contain_text("Next try:")
    page.get_by_role("link", name="Update card").click()
    expect(page.get_by_label("Charge this card from now on")).to_be_checked()
    add_card(page, ANOTHER, "Mastercard ending 4444")
    expect(main).to_contain_text("Auto-recharge charges this card from now on.")
    method = PaymentMethod.objects.get(last_four="4444")
    assert method.is_default
    # What the worker does next; the minute between two recharges has passed.
    later = timezone.now() + timedelta(minutes=2)
    recharge_if_wanted(formosa.pk, cause=RechargeCause.CARD, at=later, is_asked=True)
    page.get_by_role("link", name="See auto-recharge").click()
    expect(page.locator("h1 .pill")).to_have_text("On")
    expect(main).to_contain_text("Mastercard ending 4444")
    page.get_by_role("link", name="Paid").click()
    heading(page, "US$100.00 added.")
    assert Lot.objects.get().kind == "recharge"
    assert prove(at=timezone.now()).breaches == []

"""What people come for, from the first click to the last, in a browser."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Organisation, User
from billing.models import TopUp
from calling.models import RateCardVersion, Source
from credits.models import LedgerEntry, Lot
from tests import makers
from tests.accounts.codes import mailed_code
from tests.browser.conftest import PASSWORD, Visitor
from tests.calling.telephony import give_number, make_line, make_record, take_in

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("stripe_sandbox")]

PAYS, DECLINED, ASKS_3DS = (
    "4242 4242 4242 4242",
    "4000 0000 0000 0002",
    "4000 0027 6000 3184",
)


def type_card(page: Page, number: str, amount: str) -> None:
    page.get_by_label("Card number").fill(number)
    page.get_by_label("Expiry date").fill("12/34")
    page.get_by_label("Security code").fill("123")
    page.get_by_role("button", name=f"Pay {amount}").click()


def order(page: Page, amount: str) -> None:
    """From the Credits page to the payment page."""
    page.get_by_role("link", name="Add funds").first.click()
    page.get_by_label("Or another amount").fill(amount)
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Review your order")
    page.get_by_role("button", name="Pay US$").click()


def sign_up(visitor: Visitor, email: str) -> None:
    page = visitor.page
    visitor.go("/accounts/signup/")
    page.get_by_label("Email", exact=False).fill(email)
    page.locator("input[name=password1]").fill(PASSWORD)
    page.locator("input[name=password2]").fill(PASSWORD)
    page.get_by_role("button", name="Create an account").click()
    expect(page.locator("input[name=code]")).to_be_visible()
    page.locator("input[name=code]").fill(mailed_code(mail.outbox[-1]))
    page.locator("main form button").first.click()


def open_organisation(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("Open an organisation")
    page.get_by_label("Name of the organisation").fill("Formosa Tea Trading")
    page.get_by_label("Country").select_option("TW")
    page.get_by_label("Time zone").select_option("Asia/Taipei")
    page.get_by_label("Tax id").fill("22099131")
    page.get_by_label("I accept").check()
    page.get_by_role("button", name="Create organisation").click()


def phone_tokyo(pbx: Source) -> None:
    """Two minutes and five seconds from a line the newcomer gets."""
    organisation = Organisation.objects.get()
    line = make_line(organisation, identity="mei")
    start = timezone.now()  # the organisation is only a few seconds old
    give_number(organisation, "+886223456789", line=line, starts_at=start)
    record = make_record("tokyo", seconds=125, at=start)
    take_in(pbx, record, at=start + timedelta(minutes=3))


def test_sign_up_add_funds_call_and_read_why_it_cost_what_it_cost(
    visitor: Visitor, card: RateCardVersion, pbx: Source
) -> None:
    makers.make_terms("USD")
    page = visitor.page
    sign_up(visitor, "nina@formosa.example")
    open_organisation(page)
    expect(page.get_by_text("No credits yet.")).to_be_visible()
    order(page, "50")
    type_card(page, PAYS, "US$50.00")
    expect(page.get_by_role("heading", level=1)).to_have_text("US$50.00 added.")
    expect(page.get_by_text(re.compile(r"^Receipt R-\d{4}-0001$"))).to_be_visible()
    page.get_by_role("link", name="Back to Credits").click()
    expect(page.locator(".amount")).to_have_text("US$50.00")

    phone_tokyo(pbx)
    page.reload()
    expect(page.locator(".amount")).to_have_text("US$49.93")  # 49.937 is not 49.94
    page.get_by_role("link", name="See the calls").click()
    page.get_by_role("link", name="+81312345678").click()
    main = page.locator("main")
    expect(main).to_contain_text("The number begins with 81")
    expect(main).to_contain_text("The call lasted 2:05.")
    expect(main).to_contain_text("180 s × US$0.0210 ÷ 60")
    expect(main).to_contain_text("US$0.063")
    expect(main).to_contain_text("Card top-up")


@pytest.fixture
def at_credits(visitor: Visitor, alice: User, formosa: Organisation) -> Page:
    """Alice, signed in, on the Credits page of an organisation that may buy."""
    makers.make_terms("USD")
    visitor.sign_in_as(alice)
    visitor.go("/credits/")
    return visitor.page


def test_a_declined_card_changes_nothing_and_another_one_pays(
    at_credits: Page,
) -> None:
    page = at_credits
    order(page, "50")
    type_card(page, DECLINED, "US$50.00")
    expect(page.get_by_role("alert")).to_be_visible()
    assert not Lot.objects.exists()
    page.goto(page.url)  # still the same payment page
    type_card(page, PAYS, "US$50.00")
    expect(page.get_by_role("heading", level=1)).to_have_text("US$50.00 added.")
    assert Lot.objects.get().original == 50_000_000


def test_a_declined_card_and_giving_up_leads_back_without_a_charge(
    at_credits: Page,
) -> None:
    page = at_credits
    order(page, "50")
    type_card(page, DECLINED, "US$50.00")
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_role("link", name="Cancel and return").click()
    main = page.locator("main")
    expect(main).to_contain_text("The last card was declined.")
    expect(main).to_contain_text("nothing has been charged")
    page.get_by_role("link", name="Back to Credits").click()
    expect(page.locator(".amount")).to_have_text("US$0.00")
    assert not LedgerEntry.objects.exists()


def test_a_bank_that_wants_approval_is_given_it(at_credits: Page) -> None:
    page = at_credits
    order(page, "1,000")
    type_card(page, ASKS_3DS, "US$1,000.00")
    page.get_by_role("button", name="Complete").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("US$1,000.00 added.")


def test_back_and_double_click_place_one_order(at_credits: Page) -> None:
    page = at_credits
    order(page, "50")
    expect(page.get_by_label("Card number")).to_be_visible()
    page.go_back()
    page.get_by_role("button", name="Pay US$50.00").dblclick()
    type_card(page, PAYS, "US$50.00")
    expect(page.get_by_role("heading", level=1)).to_have_text("US$50.00 added.")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("US$50.00 added.")
    assert TopUp.objects.count() == 1
    assert Lot.objects.count() == 1


def test_a_wrong_amount_is_said_beside_the_field_and_keeps_what_was_typed(
    at_credits: Page, visitor: Visitor
) -> None:
    page = at_credits
    page.get_by_role("link", name="Add funds").first.click()
    page.get_by_label("Or another amount").fill("1.000")
    page.get_by_role("button", name="Review").click()
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    field = page.get_by_label("Or another amount")
    expect(field).to_have_value("1.000")
    expect(field).to_have_attribute("aria-invalid", "true")
    summary.get_by_role("link").click()
    expect(field).to_be_focused()
    visitor.complaints.clear()  # the browser repeats the 422
    page.get_by_text("US$250.00").click()
    expect(field).to_have_value("250")
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_role("button", name="Pay US$250.00")).to_be_visible()


def test_an_nce_customer_finds_no_door(
    visitor: Visitor, charlie: User, contoso: Organisation
) -> None:
    makers.make_terms("USD")
    visitor.sign_in_as(charlie)
    page = visitor.page
    for path in ("/", "/credits/", "/usage/", "/help/"):
        visitor.go(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_text("Add funds")).to_have_count(0)
        assert page.locator("a[href*='/credits/add'], form[action*='add']").count() == 0
    expect(page.get_by_text("cannot buy credits")).to_be_visible()
    visitor.refused("/credits/add/", 409)
    expect(page.locator("main")).to_contain_text("it cannot buy credits.")
    visitor.refused("/credits/add/review/?amount=50", 409)
    expect(page.locator("main")).to_contain_text("it cannot buy credits.")


@pytest.mark.usefixtures("card", "mei")
def test_the_usage_filter_swaps_the_table_and_stays_in_the_address(
    visitor: Visitor, alice: User, pbx: Source
) -> None:
    now = timezone.now()
    start = now - timedelta(minutes=10)
    numbers = ("+81312345678", "+819012345678")
    take_in(pbx, *[make_record(callee=one, at=start) for one in numbers], at=now)
    visitor.sign_in_as(alice)
    page = visitor.page
    visitor.go("/usage/")
    expect(page.get_by_role("heading", name="2 calls")).to_be_visible()
    page.get_by_label("Destination").select_option("Place 8190")
    expect(page.get_by_role("heading", name="1 call")).to_be_visible()
    expect(page).to_have_url(re.compile("destination=Place(%20|[+])8190"))
    page.reload()
    expect(page.get_by_role("heading", name="1 call")).to_be_visible()

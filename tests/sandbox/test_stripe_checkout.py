"""The payment page as a person clicks through it, without JavaScript."""

import re
import threading
from html import unescape
from typing import Any

import pytest
import stripe

from tests.sandbox.clicks import (
    CANCEL,
    again,
    card,
    open_session,
    paid_address,
    visit,
)
from tests.stripe_sandbox import StripeSandbox

pytestmark = pytest.mark.usefixtures("stripe_sandbox")

NO_FUNDS = "4000 0000 0000 9995"
ASKS = "4000 0027 6000 3184"


def customer() -> str:
    return stripe.Customer.create(email="alice@formosa.example", name="Formosa").id


def session_of(owner: str, **other: Any) -> stripe.checkout.Session:
    data = {"setup_future_usage": "off_session", "metadata": {"top_up": "7"}}
    return open_session(customer=owner, payment_intent_data=data, **other)


def told(text: str) -> str:
    """What the alert says."""
    found = re.search(r'role="alert">(.*?)</div>', text, re.DOTALL)
    return unescape(re.sub(r"<[^>]+>", "", found[1])) if found else ""


def types() -> list[str]:
    found = reversed(stripe.Event.list(limit=100).data)
    return [event.type for event in found]


# --- paying ---------------------------------------------------------------------------


def test_the_page_shows_what_is_paid_and_to_whom() -> None:
    session = session_of(customer())
    assert (session.status, session.payment_status) == ("open", "unpaid")
    assert (session.payment_intent, session.amount_total) == (None, 50_000)
    page = visit(str(session.url))
    for part in ("US$500.00", "Sandbox merchant", "Communications credits", CANCEL):
        assert part in page.text
    assert "No money moves here" in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'; style-src 'self'" in policy
    assert "form-action 'self' http://127.0.0.1:8000;" in policy
    assert not re.search(r"<script|style=|<style| on\w+=", page.text)
    assert page.headers["Sandbox-Stripe"] == "1"


def test_paying_completes_the_session_and_keeps_the_card() -> None:
    owner = customer()
    session = session_of(owner, metadata={"organisation": "1"}, client_reference_id="7")
    left = visit(str(session.url), card())
    assert (left.status, left.location) == (303, paid_address(session))
    done: Any = stripe.checkout.Session.retrieve(
        session.id, expand=["payment_intent.latest_charge", "line_items"]
    )
    assert (done.status, done.payment_status, done.url) == ("complete", "paid", None)
    assert (done.client_reference_id, done.metadata.organisation) == ("7", "1")
    assert done.customer_details.email == "alice@formosa.example"
    assert done.customer_details.name == "Chen Yi-ting"
    assert done.line_items.data[0].amount_total == 50_000
    intent = done.payment_intent
    assert (intent.status, intent.amount_received) == ("succeeded", 50_000)
    assert (intent.customer, intent.metadata.to_dict()) == (owner, {"top_up": "7"})
    assert intent.latest_charge.billing_details.name == "Chen Yi-ting"
    (kept,) = stripe.PaymentMethod.list(customer=owner).data
    assert (kept.id, kept.allow_redisplay) == (intent.payment_method, "limited")
    assert types() == [
        "customer.created",
        "payment_intent.created",
        "charge.succeeded",
        "payment_method.attached",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]


def test_a_second_click_pays_once() -> None:
    session = session_of(customer())
    threads = [
        threading.Thread(target=visit, args=[str(session.url), card()])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert visit(str(session.url), card()).location == paid_address(session)
    assert visit(str(session.url)).location == paid_address(session)
    assert len(stripe.Charge.list().data) == 1
    assert types().count("checkout.session.completed") == 1


def test_a_saved_card_pays_without_being_typed() -> None:
    owner = customer()
    saved = stripe.PaymentMethod.attach("pm_card_mastercard", customer=owner).id
    stripe.PaymentMethod.modify(saved, allow_redisplay="always")
    session = session_of(owner)
    assert "Mastercard ending 4444" in visit(str(session.url)).text
    left = visit(str(session.url), {"method": saved})
    assert left.location == paid_address(session)
    paid: Any = stripe.checkout.Session.retrieve(session.id, expand=["payment_intent"])
    assert paid.payment_intent.payment_method == saved


def test_only_cards_that_may_be_shown_are_shown() -> None:
    owner = customer()
    stripe.PaymentMethod.attach("pm_card_mastercard", customer=owner)
    assert "Mastercard" not in visit(str(session_of(owner).url)).text
    options = {"allow_redisplay_filters": ["always", "unspecified"]}
    session = session_of(owner, saved_payment_method_options=options)
    assert "Mastercard" in visit(str(session.url)).text


def test_a_strangers_card_cannot_be_chosen() -> None:
    method = stripe.PaymentMethod.attach("pm_card_visa", customer=customer()).id
    session = session_of(customer())
    page = visit(str(session.url), {"method": method})
    assert told(page.text).endswith("Choose a card.")
    assert stripe.PaymentIntent.list().data == []


def test_a_guest_gives_an_address_and_the_card_is_not_kept() -> None:
    session = open_session()
    assert "Enter an email address." in visit(str(session.url), card()).text
    left = visit(str(session.url), card(email="guest@example.com"))
    assert left.location == paid_address(session)
    done: Any = again(session)
    assert (done.customer, done.customer_details.email) == (None, "guest@example.com")


def test_the_customers_name_follows_the_card_when_asked() -> None:
    owner = customer()
    session = session_of(owner, customer_update={"name": "auto", "address": "never"})
    visit(str(session.url), card(name="Formosa Tea"))
    assert stripe.Customer.retrieve(owner).name == "Formosa Tea"
    assert "customer.updated" in types()


# --- what goes wrong ------------------------------------------------------------------


def test_a_decline_is_told_in_place_and_another_card_pays() -> None:
    session = session_of(customer())
    page = visit(str(session.url), card(NO_FUNDS))
    assert (page.status, told(page.text)) == (
        200,
        "Payment not taken Your card has insufficient funds.",
    )
    assert NO_FUNDS in page.text
    assert 'value="123"' not in page.text
    still = again(session)
    assert (still.status, still.payment_status) == ("open", "unpaid")
    intent = stripe.PaymentIntent.retrieve(str(still.payment_intent))
    assert intent.status == "requires_payment_method"
    assert types()[-2:] == ["charge.failed", "payment_intent.payment_failed"]
    assert "insufficient funds" in visit(str(session.url)).text
    assert visit(str(session.url), card()).location == paid_address(session)
    assert again(session).payment_intent == intent.id
    assert types().count("payment_intent.created") == 1
    assert [one.status for one in stripe.Charge.list().data] == ["succeeded", "failed"]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"number": ""}, "Enter a card number."),
        ({"number": "4242 4242 4242 4241"}, "Your card number is incorrect."),
        ({"expiry": "soon"}, "Enter the expiry date as MM / YY."),
        ({"expiry": "01/20"}, "Your card's expiration year is invalid."),
        ({"cvc": ""}, "Enter the security code."),
        ({"cvc": "12"}, "Your card's security code is invalid."),
    ],
)
def test_a_field_typed_wrongly_is_named(typed: dict[str, str], sentence: str) -> None:
    session = session_of(customer())
    page = visit(str(session.url), card() | typed)
    assert sentence in unescape(page.text)
    assert 'aria-invalid="true"' in page.text
    assert again(session).payment_intent is None
    assert stripe.PaymentMethod.list().data == []


def test_what_was_typed_is_escaped() -> None:
    session = session_of(customer())
    page = visit(str(session.url), card(NO_FUNDS, name='"><script>'))
    assert "<script" not in page.text
    assert "&quot;&gt;&lt;script&gt;" in page.text


def test_the_bank_approves_and_the_session_completes() -> None:
    session = session_of(customer())
    bank = visit(str(session.url), card(ASKS)).location
    assert "/3ds/pi_" in bank
    assert again(session).status == "open"
    assert "US$500.00" in visit(bank).text
    assert visit(bank, {"outcome": "complete"}).location == paid_address(session)
    assert again(session).payment_status == "paid"
    assert visit(bank).location == paid_address(session)


def test_a_failed_approval_comes_back_to_the_page() -> None:
    session = session_of(customer())
    bank = visit(str(session.url), card(ASKS)).location
    left = visit(bank, {"outcome": "fail"})
    assert left.location == session.url
    assert "We are unable to authenticate" in told(visit(left.location).text)
    assert stripe.Charge.list().data == []
    assert visit(str(session.url), card()).location == paid_address(session)


def test_walking_away_from_the_bank_comes_back_to_the_page() -> None:
    session = session_of(customer())
    bank = visit(str(session.url), card(ASKS)).location
    left = visit(bank, {"outcome": "cancel"})
    assert "The approval was cancelled." in told(visit(left.location).text)
    assert visit(str(session.url), card()).location == paid_address(session)
    assert len(stripe.Charge.list().data) == 1


def test_an_approved_payment_may_still_be_declined() -> None:
    session = session_of(customer())
    bank = visit(str(session.url), card("4000 0082 6000 3178")).location
    left = visit(bank, {"outcome": "complete"})
    assert "insufficient funds" in told(visit(left.location).text)


def test_a_payment_may_stay_in_processing(stripe_sandbox: StripeSandbox) -> None:
    session = session_of(customer())
    stripe_sandbox.fail("processing", "/c/pay/")
    assert visit(str(session.url), card()).location == paid_address(session)
    done = again(session)
    assert (done.status, done.payment_status) == ("complete", "unpaid")
    stripe_sandbox.finish_processing(str(done.payment_intent), "succeeded")
    assert again(session).payment_status == "paid"
    assert types()[-1] == "checkout.session.async_payment_succeeded"


# --- ends -----------------------------------------------------------------------------


def test_a_session_is_expired_on_request() -> None:
    session = session_of(customer())
    visit(str(session.url), card(NO_FUNDS))
    expired = stripe.checkout.Session.expire(session.id)
    assert (expired.status, expired.url) == ("expired", None)
    intent = stripe.PaymentIntent.retrieve(str(expired.payment_intent))
    assert (intent.status, intent.cancellation_reason) == ("canceled", "expired")
    assert types()[-2:] == ["payment_intent.canceled", "checkout.session.expired"]
    page = visit(str(session.url), card())
    assert "This payment page has expired" in page.text
    assert CANCEL in page.text
    with pytest.raises(stripe.InvalidRequestError, match="can be expired"):
        stripe.checkout.Session.expire(session.id)


def test_a_session_expires_by_the_clock(stripe_sandbox: StripeSandbox) -> None:
    session = session_of(customer())
    assert session.expires_at - session.created == 24 * 3600
    stripe_sandbox.clock(session.expires_at)
    assert again(session).status == "expired"
    assert types()[-1] == "checkout.session.expired"


@pytest.mark.parametrize("seconds", [20 * 60, 25 * 3600])
def test_a_life_too_short_or_too_long_is_refused(
    stripe_sandbox: StripeSandbox, seconds: int
) -> None:
    stripe_sandbox.clock(1_800_000_000)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        open_session(expires_at=1_800_000_000 + seconds)
    assert refused.value.param == "expires_at"


def test_the_intent_of_a_session_is_the_sessions_own() -> None:
    session = session_of(customer())
    visit(str(session.url), card(NO_FUNDS))
    intent = str(again(session).payment_intent)
    with pytest.raises(stripe.InvalidRequestError, match="a Checkout Session owns it"):
        stripe.PaymentIntent.cancel(intent)


@pytest.mark.parametrize(
    "wanted",
    [
        {"mode": "setup"},  # has no items
        {"mode": "subscription"},
        {"automatic_tax": {"enabled": True}},
        {"invoice_creation": {"enabled": True}},
        {"allow_promotion_codes": True},
        {"customer": "cus_none"},
        {"success_url": "somewhere"},
        {"line_items": []},
    ],
)
def test_what_is_not_built_is_refused(wanted: dict[str, Any]) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        open_session(**wanted)
    assert stripe.checkout.Session.list().data == []


def test_everything_a_shop_may_say_is_taken() -> None:
    owner = customer()
    session: Any = session_of(
        owner,
        automatic_tax={"enabled": False},
        invoice_creation={"enabled": False},
        locale="zh-TW",
        payment_method_types=["card"],
        submit_type="pay",
    )
    assert session.automatic_tax.enabled is False
    assert stripe.checkout.Session.list(customer=owner).data[0].id == session.id
    assert stripe.checkout.Session.list_line_items(session.id).data[0].quantity == 1
    stripe.checkout.Session.modify(session.id, metadata={"a": "1"})
    assert again(session).metadata.to_dict() == {"a": "1"}  # type: ignore[union-attr]


def test_the_page_speaks_traditional_chinese() -> None:
    session = session_of(customer(), locale="zh-TW")
    page = visit(str(session.url))
    assert '<html lang="zh-Hant">' in page.text
    assert "支付 US$500.00" in page.text
    declined = visit(str(session.url), card(NO_FUNDS))
    assert told(declined.text) == "未完成付款 您的卡片餘額不足。"
    bank = visit(str(session.url), card(ASKS)).location
    assert "驗證付款" in visit(bank).text
    auto = session_of(customer(), locale="auto")
    assert "以信用卡付款" in visit(str(auto.url), language="zh-TW,zh;q=0.9").text
    assert "Pay by card" in visit(str(auto.url), language="de").text


def test_an_address_that_leads_nowhere_says_so(stripe_sandbox: StripeSandbox) -> None:
    for address in ("/c/pay/cs_none", "/3ds/pi_none", "/receipts/ch_none", "/"):
        page = visit(f"{stripe_sandbox.url}{address}")
        assert (page.status, "This page does not exist" in page.text) == (404, True)


def test_a_customer_deleted_meanwhile_leads_nowhere() -> None:
    owner = customer()
    session = session_of(owner)
    stripe.Customer.delete(owner)
    page = visit(str(session.url), card())
    assert (page.status, "This page does not exist" in page.text) == (404, True)
    assert stripe.PaymentIntent.list().data == []


def test_a_shop_that_is_elsewhere_gets_a_link() -> None:
    session = open_session(
        customer=customer(),
        success_url="https://shop.example/ok?s={CHECKOUT_SESSION_ID}",
    )
    page = visit(str(session.url), card())
    assert page.status == 200
    assert f"https://shop.example/ok?s={session.id}" in page.text

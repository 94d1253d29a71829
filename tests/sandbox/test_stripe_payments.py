"""Cards by number: what they do on and off session, and what is left behind."""

from typing import Any

import pytest
import stripe

from tests.sandbox.clicks import visit
from tests.sandbox.paying import event_types, off_session
from tests.stripe_sandbox import StripeSandbox

pytestmark = pytest.mark.usefixtures("stripe_sandbox")

BACK = "http://127.0.0.1:8000/approved/"


def card(number: str) -> stripe.PaymentMethod:
    return stripe.PaymentMethod.create(
        type="card",
        card={"number": number, "exp_month": 12, "exp_year": 2034, "cvc": "123"},
    )


def customer_with(number: str) -> tuple[str, str]:
    customer = stripe.Customer.create(email="alice@formosa.example").id
    return customer, stripe.PaymentMethod.attach(card(number).id, customer=customer).id


def on_session(customer: str, method: str, **other: Any) -> stripe.PaymentIntent:
    return off_session(
        customer, method, **({"off_session": False, "return_url": BACK} | other)
    )


# --- success --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "brand"),
    [
        ("4242424242424242", "visa"),
        ("5555 5555 5555 4444", "mastercard"),
        ("4000003800000446", "visa"),
    ],
)
def test_a_good_card_is_charged_off_session(number: str, brand: str) -> None:
    customer, method = customer_with(number)
    intent = off_session(
        customer, method, description="Recharge 7", expand=["latest_charge"]
    )
    assert (intent.status, intent.amount_received) == ("succeeded", 2000)
    made: Any = intent.latest_charge
    assert (made.status, made.paid, made.captured) == ("succeeded", True, True)
    assert (made.amount, made.currency, made.customer) == (2000, "usd", customer)
    assert (made.metadata.to_dict(), made.description) == (
        {"attempt": "7"},
        "Recharge 7",
    )
    assert made.payment_method_details.card.brand == brand
    assert event_types("payment_intent", "charge") == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]
    found = stripe.Charge.list(payment_intent=intent.id).data
    assert [one.id for one in found] == [made.id]


def test_amex_has_a_security_code_of_four() -> None:
    details: Any = {"number": "378282246310005", "exp_month": 1, "exp_year": 2034}
    details["cvc"] = "1234"
    good = stripe.PaymentMethod.create(type="card", card=details)
    assert good.card
    assert good.card.brand == "amex"
    details["cvc"] = "123"
    with pytest.raises(stripe.CardError) as refused:
        stripe.PaymentMethod.create(type="card", card=details)
    assert refused.value.code == "invalid_cvc"


def test_the_balance_keeps_the_fee(stripe_sandbox: StripeSandbox) -> None:
    off_session(*customer_with("4242424242424242"), amount=10_000)
    (entry,) = stripe.BalanceTransaction.list().data
    assert (entry.amount, entry.fee, entry.net) == (10_000, 320, 9_680)
    assert entry.id == stripe.BalanceTransaction.retrieve(entry.id).id
    made = stripe.Charge.retrieve(str(entry.source))
    assert made.receipt_url
    assert "US$100.00" in visit(made.receipt_url).text


# --- declines -------------------------------------------------------------------------


def test_a_decline_leaves_a_failed_charge_and_an_open_intent() -> None:
    code = "card_declined"
    customer, method = customer_with("4000000000009995")
    with pytest.raises(stripe.CardError) as refused:
        off_session(customer, method)
    error: Any = refused.value.error
    assert (refused.value.http_status, refused.value.code) == (402, code)
    assert error.decline_code == "insufficient_funds"
    assert (error.type, error.payment_method.id) == ("card_error", method)
    intent = stripe.PaymentIntent.retrieve(error.payment_intent.id)
    assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
    last: Any = intent.last_payment_error
    assert (last.code, last.charge, last.payment_method.id) == (
        code,
        error.charge,
        method,
    )
    failed = stripe.Charge.retrieve(error.charge)
    assert (failed.status, failed.paid, failed.failure_code) == ("failed", False, code)
    assert failed.balance_transaction is None
    assert intent.latest_charge == failed.id
    assert event_types("payment_intent", "charge")[1:] == [
        "charge.failed",
        "payment_intent.payment_failed",
    ]


@pytest.mark.parametrize(
    ("number", "code"),
    [("4242424242424241", "incorrect_number"), ("4242", "incorrect_number")],
)
def test_a_wrong_number_makes_no_card(number: str, code: str) -> None:
    with pytest.raises(stripe.CardError) as refused:
        card(number)
    assert (refused.value.code, refused.value.param) == (code, "number")


def test_a_card_of_last_year_makes_no_card(stripe_sandbox: StripeSandbox) -> None:
    stripe_sandbox.clock(2_051_222_400)  # 2035-01-01
    with pytest.raises(stripe.CardError) as refused:
        card("4242424242424242")
    assert refused.value.code == "invalid_expiry_year"


def test_a_card_that_is_no_test_card_is_declined() -> None:
    customer = stripe.Customer.create().id
    with pytest.raises(stripe.CardError) as refused:
        stripe.PaymentMethod.attach(card("4111111111111111").id, customer=customer)
    error: Any = refused.value.error
    assert error.decline_code == "test_mode_live_card"


def test_the_declining_card_is_refused_at_attach() -> None:
    customer = stripe.Customer.create().id
    with pytest.raises(stripe.CardError):
        stripe.PaymentMethod.attach("pm_card_chargeDeclined", customer=customer)
    assert stripe.Customer.list_payment_methods(customer).data == []


def test_another_card_pays_the_same_intent_after_a_decline() -> None:
    customer, bad = customer_with("4000000000009995")
    with pytest.raises(stripe.CardError) as refused:
        off_session(customer, bad)
    error: Any = refused.value.error
    good = stripe.PaymentMethod.attach("pm_card_visa", customer=customer)
    paid = stripe.PaymentIntent.confirm(
        error.payment_intent.id, payment_method=good.id, off_session=True
    )
    assert (paid.status, paid.last_payment_error) == ("succeeded", None)
    assert len(stripe.Charge.list(payment_intent=paid.id).data) == 2


# --- authentication -------------------------------------------------------------------


@pytest.mark.parametrize(
    "number", ["4000002760003184", "4000002500003155", "4000008260003178"]
)
def test_off_session_nobody_can_authenticate(number: str) -> None:
    customer, method = customer_with(number)
    with pytest.raises(stripe.CardError) as refused:
        off_session(customer, method)
    error: Any = refused.value.error
    assert refused.value.code == "authentication_required"
    assert error.decline_code == "authentication_required"
    assert error.payment_intent.status == "requires_payment_method"


def test_on_session_the_bank_is_asked_and_says_yes() -> None:
    intent = on_session(*customer_with("4000002760003184"))
    assert intent.status == "requires_action"
    action: Any = intent.next_action
    assert action.redirect_to_url.return_url == BACK
    bank = action.redirect_to_url.url
    page = visit(bank)
    assert page.status == 200
    assert "US$20.00" in page.text
    assert (
        "form-action 'self' http://127.0.0.1:8000;"
        in page.headers["Content-Security-Policy"]
    )
    left = visit(bank, {"outcome": "complete"})
    assert (left.status, left.location.startswith(BACK)) == (303, True)
    assert "redirect_status=succeeded" in left.location
    done = stripe.PaymentIntent.retrieve(intent.id, expand=["latest_charge"])
    assert (done.status, done.next_action) == ("succeeded", None)
    made: Any = done.latest_charge
    assert made.payment_method_details.card.three_d_secure.result == "authenticated"
    assert visit(bank, {"outcome": "complete"}).status == 303
    assert len(stripe.Charge.list(payment_intent=intent.id).data) == 1


def test_authentication_fails_without_a_charge() -> None:
    intent = on_session(*customer_with("4000002760003184"))
    action: Any = intent.next_action
    left = visit(action.redirect_to_url.url, {"outcome": "fail"})
    assert "redirect_status=failed" in left.location
    failed = stripe.PaymentIntent.retrieve(intent.id)
    last: Any = failed.last_payment_error
    assert failed.status == "requires_payment_method"
    assert last.code == "payment_intent_authentication_failure"
    assert stripe.Charge.list().data == []
    assert event_types("payment_intent", "charge")[1:] == [
        "payment_intent.requires_action",
        "payment_intent.payment_failed",
    ]


def test_walking_away_leaves_the_intent_waiting() -> None:
    intent = on_session(*customer_with("4000002760003184"))
    action: Any = intent.next_action
    visit(action.redirect_to_url.url, {"outcome": "cancel"})
    assert stripe.PaymentIntent.retrieve(intent.id).status == "requires_action"
    cancelled = stripe.PaymentIntent.cancel(intent.id, cancellation_reason="abandoned")
    assert (cancelled.status, cancelled.cancellation_reason) == (
        "canceled",
        "abandoned",
    )
    assert event_types("payment_intent", "charge")[-1] == "payment_intent.canceled"


def test_the_bank_may_say_yes_and_the_account_be_empty() -> None:
    intent = on_session(*customer_with("4000008260003178"))
    action: Any = intent.next_action
    visit(action.redirect_to_url.url, {"outcome": "complete"})
    failed = stripe.PaymentIntent.retrieve(intent.id)
    last: Any = failed.last_payment_error
    assert (failed.status, last.decline_code) == (
        "requires_payment_method",
        "insufficient_funds",
    )


def test_a_card_set_up_once_pays_off_session_afterwards() -> None:
    customer = stripe.Customer.create().id
    method = card("4000002500003155").id
    intent = on_session(customer, method, setup_future_usage="off_session")
    action: Any = intent.next_action
    visit(action.redirect_to_url.url, {"outcome": "complete"})
    assert stripe.PaymentMethod.retrieve(method).customer == customer
    assert off_session(customer, method).status == "succeeded"


def test_a_bank_that_asks_on_session_only_is_quiet_off_session() -> None:
    customer, method = customer_with("4000003800000446")
    assert on_session(customer, method).status == "requires_action"
    assert off_session(customer, method).status == "succeeded"


def test_without_a_return_address_the_action_is_left_to_the_client() -> None:
    customer, method = customer_with("4000002760003184")
    intent = off_session(customer, method, off_session=False)
    action: Any = intent.next_action
    assert action.type == "use_stripe_sdk"


def test_an_error_may_be_asked_for_instead_of_an_action() -> None:
    customer, method = customer_with("4000002760003184")
    with pytest.raises(stripe.CardError) as refused:
        off_session(customer, method, off_session=False, error_on_requires_action=True)
    assert refused.value.code == "authentication_required"


# --- states ---------------------------------------------------------------------------


def test_an_intent_is_made_changed_and_confirmed_later() -> None:
    customer, method = customer_with("4242424242424242")
    intent = stripe.PaymentIntent.create(
        amount=500, currency="twd", customer=customer, payment_method_types=["card"]
    )
    assert intent.status == "requires_payment_method"
    changed = stripe.PaymentIntent.modify(
        intent.id, amount=700, payment_method=method, metadata={"a": "1", "b": "2"}
    )
    assert (changed.status, changed.amount) == ("requires_confirmation", 700)
    stripe.PaymentIntent.modify(intent.id, metadata={"a": ""})
    paid = stripe.PaymentIntent.confirm(intent.id)
    assert (paid.status, paid.amount_received) == ("succeeded", 700)
    assert paid.metadata.to_dict() == {"b": "2"}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        stripe.PaymentIntent.modify(intent.id, amount=900)
    assert refused.value.code == "payment_intent_unexpected_state"


def test_redirecting_methods_need_a_return_address() -> None:
    customer, method = customer_with("4242424242424242")
    automatic: Any = {
        "amount": 2000,
        "confirm": True,
        "currency": "usd",
        "customer": customer,
        "payment_method": method,
    }
    with pytest.raises(stripe.InvalidRequestError) as refused:
        stripe.PaymentIntent.create(**automatic)
    assert refused.value.param == "return_url"
    never: Any = {"enabled": True, "allow_redirects": "never"}
    paid = stripe.PaymentIntent.create(**automatic, automatic_payment_methods=never)
    assert paid.status == "succeeded"


def test_a_card_serves_its_own_customer_only() -> None:
    _, method = customer_with("4242424242424242")
    stranger = stripe.Customer.create().id
    with pytest.raises(
        stripe.InvalidRequestError, match="does not have a payment method"
    ):
        off_session(stranger, method)
    with pytest.raises(stripe.InvalidRequestError, match="belongs to the Customer"):
        stripe.PaymentIntent.create(amount=100, currency="usd", payment_method=method)


def test_a_card_without_an_owner_pays_once() -> None:
    method = card("4242424242424242").id
    wanted: Any = {
        "amount": 100,
        "confirm": True,
        "currency": "usd",
        "payment_method": method,
        "payment_method_types": ["card"],
    }
    assert stripe.PaymentIntent.create(**wanted).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        stripe.PaymentIntent.create(**wanted)


def test_a_confirmation_needs_a_card() -> None:
    intent = stripe.PaymentIntent.create(
        amount=100, currency="usd", payment_method_types=["card"]
    )
    with pytest.raises(stripe.InvalidRequestError, match="missing a payment method"):
        stripe.PaymentIntent.confirm(intent.id)


def test_a_payment_may_stay_in_processing(stripe_sandbox: StripeSandbox) -> None:
    customer, method = customer_with("4242424242424242")
    stripe_sandbox.fail("processing", "/v1/payment_intents", times=2)
    good, bad = off_session(customer, method), off_session(customer, method)
    assert (good.status, bad.status) == ("processing", "processing")
    stripe_sandbox.finish_processing(good.id, "succeeded")
    stripe_sandbox.finish_processing(bad.id, "failed")
    assert stripe.PaymentIntent.retrieve(good.id).status == "succeeded"
    assert stripe.PaymentIntent.retrieve(bad.id).status == "requires_payment_method"
    assert len(event_types("payment_intent.processing")) == 2

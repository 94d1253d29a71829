"""The same key asks the same thing once."""

import threading
import time
from typing import Any

import pytest
import stripe

from tests.sandbox.clicks import SUCCESS
from tests.sandbox.paying import customer, paid
from tests.stripe_sandbox import StripeSandbox

pytestmark = pytest.mark.usefixtures("stripe_sandbox")


def pay(key: str, amount: int = 1000, card: str = "pm_card_visa") -> Any:
    """The intent; what the library says may be missing is there."""
    return stripe.PaymentIntent.create(
        amount=amount,
        currency="usd",
        payment_method=card,
        payment_method_types=["card"],
        confirm=True,
        idempotency_key=key,
    )


def headers_of(refused: stripe.StripeError) -> dict[str, str]:
    return refused.headers or {}


def charges() -> int:
    return len(stripe.Charge.list(limit=100).data)


def test_the_same_key_gets_the_same_answer_and_charges_once() -> None:
    first, second = pay("top-up:1"), pay("top-up:1")
    assert first.id == second.id
    assert first.last_response.headers.get("Idempotent-Replayed") is None
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert (
        second.last_response.headers["Original-Request"]
        == first.last_response.headers["Request-Id"]
    )
    assert charges() == 1


def test_a_declined_card_is_replayed_too() -> None:
    with pytest.raises(stripe.CardError) as first:
        pay("top-up:2", card="pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError) as second:
        pay("top-up:2", card="pm_card_chargeCustomerFail")
    assert first.value.json_body == second.value.json_body
    assert headers_of(second.value)["Idempotent-Replayed"] == "true"
    assert charges() == 1


def test_a_refusal_by_state_is_replayed_too() -> None:
    intent = pay("top-up:3")
    for replayed in (None, "true"):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            stripe.PaymentIntent.cancel(intent.id, idempotency_key="cancel:3")
        assert refused.value.code == "payment_intent_unexpected_state"
        assert headers_of(refused.value).get("Idempotent-Replayed") == replayed


def test_a_refused_parameter_leaves_the_key_free() -> None:
    with pytest.raises(stripe.InvalidRequestError):
        pay("top-up:4", amount=1)
    assert pay("top-up:4").status == "succeeded"


def test_the_same_key_with_other_parameters_is_refused() -> None:
    pay("top-up:5")
    with pytest.raises(stripe.IdempotencyError) as refused:
        pay("top-up:5", amount=2000)
    assert refused.value.http_status == 400
    with pytest.raises(stripe.IdempotencyError):
        stripe.Customer.create(name="other address", idempotency_key="top-up:5")
    assert charges() == 1


def test_a_key_in_use_is_refused(stripe_sandbox: StripeSandbox) -> None:
    stripe_sandbox.fail("slow", "/v1/payment_intents", seconds=0.4)
    first = threading.Thread(target=pay, args=["top-up:6"])
    first.start()
    time.sleep(0.15)
    with pytest.raises(stripe.APIError) as refused:
        pay("top-up:6")
    first.join()
    assert refused.value.http_status == 409
    error: Any = refused.value.error
    assert error.code == "idempotency_key_in_use"
    assert charges() == 1
    assert pay("top-up:6").last_response.headers["Idempotent-Replayed"] == "true"


def test_a_key_is_forgotten_after_a_day(stripe_sandbox: StripeSandbox) -> None:
    stripe_sandbox.clock(1_800_000_000)
    first = pay("top-up:7")
    stripe_sandbox.clock(1_800_000_000 + 23 * 3600)
    assert pay("top-up:7").id == first.id
    stripe_sandbox.clock(1_800_000_000 + 24 * 3600 + 1)
    assert pay("top-up:7").id != first.id
    assert charges() == 2


def test_everything_about_saved_cards_refunds_and_disputes_is_replayed(
    stripe_sandbox: StripeSandbox,
) -> None:
    owner, payment = customer(), paid(stripe_sandbox)
    setup = stripe.SetupIntent.create(customer=owner, payment_method_types=["card"]).id
    method = stripe_sandbox.save_card(owner)
    refund = stripe.Refund.create(payment_intent=payment, amount=100).id
    dispute = stripe_sandbox.open_dispute(payment)
    evidence: Any = {"product_description": "Communications credits"}
    asked: dict[str, Any] = {
        "session": lambda **key: stripe.checkout.Session.create(
            mode="setup", currency="usd", success_url=SUCCESS, customer=owner, **key
        ),
        "change": lambda **key: stripe.SetupIntent.modify(
            setup, description="x", **key
        ),
        "confirm": lambda **key: stripe.SetupIntent.confirm(
            setup, payment_method="pm_card_visa", **key
        ),
        "expiry": lambda **key: stripe.PaymentMethod.modify(
            method, card={"exp_year": 2035}, **key
        ),
        "detach": lambda **key: stripe.PaymentMethod.detach(method, **key),
        "refund": lambda **key: stripe.Refund.modify(
            refund, metadata={"case": "9"}, **key
        ),
        "evidence": lambda **key: stripe.Dispute.modify(
            dispute, evidence=evidence, **key
        ),
        "close": lambda **key: stripe.Dispute.close(dispute, **key),
    }
    for name, ask in asked.items():
        first, again = ask(idempotency_key=name), ask(idempotency_key=name)
        assert first.to_dict() == again.to_dict()
        assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert len(stripe.Event.list(type="charge.dispute.closed").data) == 1


def test_a_refund_whose_answer_was_lost_is_found_by_its_key(
    stripe_sandbox: StripeSandbox,
) -> None:
    payment = paid(stripe_sandbox)
    stripe_sandbox.fail("connection_reset_after", "/v1/refunds")
    with pytest.raises(stripe.APIConnectionError):
        stripe.Refund.create(payment_intent=payment, idempotency_key="refund:7")
    found = stripe.Refund.create(payment_intent=payment, idempotency_key="refund:7")
    assert [one.id for one in stripe.Refund.list().data] == [found.id]

"""A saved card is charged while nobody is there, and may say no."""

from typing import Any

import pytest
import stripe

from tests.sandbox.clicks import CANCEL, card, open_session, paid_address, visit
from tests.sandbox.paying import (
    balance,
    charge_of,
    customer,
    event_types,
    off_session,
    paid,
)
from tests.stripe_sandbox import StripeSandbox

pytestmark = pytest.mark.usefixtures("stripe_sandbox")

ALWAYS_ASKS = "4000002760003184"
ASKS_UNLESS_SET_UP = "4000 0025 0000 3155"


def declined(owner: str, method: str, **other: Any) -> Any:
    """The error of a charge that is refused."""
    with pytest.raises(stripe.CardError) as refused:
        off_session(owner, method, **other)
    assert refused.value.http_status == 402
    return refused.value.error


# --- declines -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "code", "decline_code"),
    [
        ("4000000000000341", "card_declined", "generic_decline"),
        ("4000000000009995", "card_declined", "insufficient_funds"),
        ("4000000000009987", "card_declined", "lost_card"),
        ("4000000000009979", "card_declined", "stolen_card"),
        ("4100000000000019", "card_declined", "fraudulent"),
        ("4000000000006975", "card_declined", "card_velocity_exceeded"),
        ("4000000000020000", "card_declined", "do_not_honor"),
        ("4000000000020109", "card_declined", "try_again_later"),
        ("4000008260003178", "card_declined", "insufficient_funds"),
        (ALWAYS_ASKS, "authentication_required", "authentication_required"),
        ("4000000000000069", "expired_card", None),
        ("4000000000000127", "incorrect_cvc", None),
        ("4000000000000119", "processing_error", None),
    ],
)
def test_a_saved_card_is_declined_as_its_number_says(
    stripe_sandbox: StripeSandbox, number: str, code: str, decline_code: str | None
) -> None:
    owner = customer()
    error = declined(owner, stripe_sandbox.save_card(owner, number))
    assert (error.code, getattr(error, "decline_code", None)) == (code, decline_code)
    intent = stripe.PaymentIntent.retrieve(error.payment_intent.id)
    last: Any = intent.last_payment_error
    assert (intent.status, last.code) == ("requires_payment_method", code)
    assert charge_of(intent.id).status == "failed"
    assert event_types("payment_intent", "charge") == [
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
    ]
    assert balance("charge") == []


@pytest.mark.parametrize(
    "name",
    [
        "pm_card_chargeDeclinedLostCard",
        "pm_card_chargeDeclinedStolenCard",
        "pm_card_chargeDeclinedExpiredCard",
        "pm_card_chargeDeclinedIncorrectCvc",
        "pm_card_chargeDeclinedProcessingError",
        "pm_card_chargeDeclinedVelocityLimitExceeded",
        "pm_card_radarBlock",
    ],
)
def test_a_card_may_be_named_instead(name: str) -> None:
    owner = customer()
    declined(owner, stripe.PaymentMethod.attach(name, customer=owner).id)


def test_a_good_card_is_declined_on_request(stripe_sandbox: StripeSandbox) -> None:
    owner = customer()
    method = stripe_sandbox.save_card(owner)
    stripe_sandbox.fail("decline", reason="restricted_card")
    assert declined(owner, method).decline_code == "restricted_card"
    assert off_session(owner, method).status == "succeeded"
    with pytest.raises(AssertionError, match="declined for one of"):
        stripe_sandbox.fail("decline", reason="bad_mood")


def test_a_declined_payment_is_cancelled(stripe_sandbox: StripeSandbox) -> None:
    owner = customer()
    error = declined(owner, stripe_sandbox.save_card(owner, "4000000000000341"))
    stopped = stripe.PaymentIntent.cancel(
        error.payment_intent.id, cancellation_reason="abandoned"
    )
    assert (stopped.status, stopped.cancellation_reason) == ("canceled", "abandoned")
    with pytest.raises(stripe.InvalidRequestError):
        stripe.PaymentIntent.confirm(stopped.id, payment_method="pm_card_visa")


def test_a_decline_is_replayed_under_its_key(stripe_sandbox: StripeSandbox) -> None:
    owner = customer()
    method = stripe_sandbox.save_card(owner, "4000000000009995")
    first = declined(owner, method, idempotency_key="recharge:1:1")
    second = declined(owner, method, idempotency_key="recharge:1:1")
    assert first.payment_intent.id == second.payment_intent.id
    stripe_sandbox.change_card(method, "4242424242424242")
    declined(owner, method, idempotency_key="recharge:1:1")
    again = off_session(owner, method, idempotency_key="recharge:1:2")
    assert again.status == "succeeded"


# --- authentication -------------------------------------------------------------------


def test_a_person_approves_later_what_was_refused_off_session(
    stripe_sandbox: StripeSandbox,
) -> None:
    owner = customer()
    error = declined(owner, stripe_sandbox.save_card(owner, ALWAYS_ASKS))
    intent = stripe_sandbox.approve(error.payment_intent.id)
    assert (intent.status, intent.amount_received) == ("succeeded", 2000)
    assert event_types("payment_intent", "charge") == [
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
        "payment_intent.requires_action",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]


def test_a_person_may_refuse(stripe_sandbox: StripeSandbox) -> None:
    owner = customer()
    error = declined(owner, stripe_sandbox.save_card(owner, ALWAYS_ASKS))
    intent = stripe_sandbox.approve(error.payment_intent.id, outcome="fail")
    last: Any = intent.last_payment_error
    assert intent.status == "requires_payment_method"
    assert last.code == "payment_intent_authentication_failure"
    left = stripe_sandbox.approve(intent.id, outcome="cancel")
    assert left.status == "requires_action"


def test_the_same_order_is_paid_at_the_payment_page(
    stripe_sandbox: StripeSandbox,
) -> None:
    owner = customer()
    error = declined(owner, stripe_sandbox.save_card(owner, ALWAYS_ASKS))
    session = open_session(
        customer=owner,
        payment_intent_data={"metadata": {"attempt": "7"}},
        saved_payment_method_options={"allow_redisplay_filters": ["unspecified"]},
    )
    method = error.payment_method.id
    bank = visit(str(session.url), {"method": method}).location
    assert visit(bank, {"outcome": "complete"}).location == paid_address(session)
    by_order = [
        (intent.status, intent.metadata["attempt"])
        for intent in stripe.PaymentIntent.list(customer=owner).data
    ]
    assert by_order == [("succeeded", "7"), ("requires_payment_method", "7")]


def test_a_card_saved_while_paying_pays_off_session_afterwards() -> None:
    owner = customer()
    session = open_session(
        customer=owner, payment_intent_data={"setup_future_usage": "off_session"}
    )
    assert "This card is saved" in visit(str(session.url)).text
    bank = visit(str(session.url), card(ASKS_UNLESS_SET_UP)).location
    visit(bank, {"outcome": "complete"})
    (kept,) = stripe.Customer.list_payment_methods(owner, type="card").data
    assert kept.allow_redisplay == "limited"
    assert off_session(owner, kept.id).status == "succeeded"


def test_a_person_chooses_whether_the_card_is_kept() -> None:
    owner = customer()
    wanted: Any = {
        "customer": owner,
        "cancel_url": CANCEL,
        "saved_payment_method_options": {"payment_method_save": "enabled"},
    }
    session = open_session(**wanted)
    assert "Save this card for my next purchases" in visit(str(session.url)).text
    visit(str(session.url), card())
    assert stripe.Customer.list_payment_methods(owner).data == []
    session = open_session(**wanted)
    visit(str(session.url), card("4000 0000 0000 0341", save="1"))
    visit(str(session.url), card())
    assert stripe.Customer.list_payment_methods(owner).data == []
    session = open_session(**wanted)
    visit(str(session.url), card(save="1"))
    (kept,) = stripe.Customer.list_payment_methods(owner).data
    assert kept.allow_redisplay == "always"
    redisplayed = stripe.PaymentMethod.list(customer=owner, allow_redisplay="always")
    assert [one.id for one in redisplayed.data] == [kept.id]


# --- late and lost --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "status", "event"),
    [
        ("succeeded", "succeeded", "payment_intent.succeeded"),
        ("failed", "requires_payment_method", "payment_intent.payment_failed"),
    ],
)
def test_a_charge_stays_in_processing_and_ends_later(
    stripe_sandbox: StripeSandbox, outcome: str, status: str, event: str
) -> None:
    stripe_sandbox.fail("processing")
    intent = paid(stripe_sandbox)
    assert stripe.PaymentIntent.retrieve(intent).status == "processing"
    stripe_sandbox.finish_processing(intent, outcome)
    assert stripe.PaymentIntent.retrieve(intent).status == status
    assert event_types("payment_intent")[1:] == ["payment_intent.processing", event]


def test_a_slow_answer_comes_all_the_same(stripe_sandbox: StripeSandbox) -> None:
    owner = customer()
    method = stripe_sandbox.save_card(owner)
    stripe_sandbox.fail("slow", "/v1/payment_intents", seconds=0.2)
    assert off_session(owner, method).status == "succeeded"


def test_a_lost_charge_is_found_in_the_customers_list(
    stripe_sandbox: StripeSandbox,
) -> None:
    owner, stranger = customer(), customer()
    method = stripe_sandbox.save_card(owner)
    off_session(stranger, stripe_sandbox.save_card(stranger))
    stripe_sandbox.clock(1_800_000_000)
    off_session(owner, method, metadata={"attempt": "early"})
    stripe_sandbox.clock(1_800_003_600)
    stripe_sandbox.fail("connection_reset_after", "/v1/payment_intents")
    with pytest.raises(stripe.APIConnectionError):
        off_session(owner, method, metadata={"attempt": "lost"})
    off_session(owner, method, metadata={"attempt": "late"})
    since: Any = {"created": {"gte": 1_800_003_000}}
    found = stripe.PaymentIntent.list(customer=owner, limit=1, **since)
    assert found.has_more
    names = [intent.metadata["attempt"] for intent in found.auto_paging_iter()]
    assert names == ["late", "lost"]

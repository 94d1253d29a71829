"""Cards kept for later: set up without a payment, on the page or by request."""

from typing import Any

import pytest
import stripe

from tests.sandbox.clicks import CANCEL, SUCCESS, again, card, paid_address, visit
from tests.stripe_sandbox import BACK, StripeSandbox

pytestmark = pytest.mark.usefixtures("stripe_sandbox")

ASKS = "4000 0027 6000 3184"
ASKS_UNLESS_SET_UP = "4000002500003155"


def customer() -> str:
    return stripe.Customer.create(email="alice@formosa.example", name="Formosa").id


def setting_up(owner: str | None = None, **other: Any) -> stripe.checkout.Session:
    wanted: dict[str, Any] = {
        "cancel_url": CANCEL,
        "currency": "usd",
        "mode": "setup",
        "setup_intent_data": {"metadata": {"organisation": "7"}},
        "success_url": SUCCESS,
    }
    return stripe.checkout.Session.create(
        **wanted | ({"customer": owner} if owner else {}) | other
    )


def intent_of(session: stripe.checkout.Session) -> Any:
    return stripe.SetupIntent.retrieve(str(again(session).setup_intent))


def event_types() -> list[str]:
    return [event.type for event in reversed(stripe.Event.list(limit=100).data)]


def off_session(owner: str, method: str) -> stripe.PaymentIntent:
    return stripe.PaymentIntent.create(
        amount=2000,
        currency="usd",
        confirm=True,
        customer=owner,
        off_session=True,
        payment_method=method,
        payment_method_types=["card"],
    )


# --- on the page ----------------------------------------------------------------------


def test_a_person_saves_a_card_on_the_page_and_pays_nothing() -> None:
    owner = customer()
    session = setting_up(owner)
    assert (session.payment_status, session.amount_total, session.payment_intent) == (
        "no_payment_required",
        None,
        None,
    )
    page = visit(str(session.url)).text
    assert "For later payments" in page
    assert "Save card" in page
    assert "Pay" not in page.partition("<main")[2].partition("Test cards")[0]
    assert visit(str(session.url), card()).location == paid_address(session)
    done, intent = again(session), intent_of(session)
    assert (done.status, done.payment_status) == ("complete", "no_payment_required")
    assert (intent.status, intent.customer, intent.usage) == (
        "succeeded",
        owner,
        "off_session",
    )
    assert intent.metadata.to_dict() == {"organisation": "7"}
    (kept,) = stripe.PaymentMethod.list(customer=owner).data
    assert (kept.id, kept.allow_redisplay) == (intent.payment_method, "limited")
    assert event_types() == [
        "customer.created",
        "setup_intent.created",
        "payment_method.attached",
        "setup_intent.succeeded",
        "checkout.session.completed",
    ]
    assert stripe.Charge.list().data == []
    assert off_session(owner, kept.id).status == "succeeded"


def test_the_bank_is_asked_when_the_card_is_saved() -> None:
    owner = customer()
    session = setting_up(owner)
    bank = visit(str(session.url), card(ASKS)).location
    assert "/3ds/seti_" in bank
    assert "saves this card" in visit(bank).text
    back = visit(bank, {"outcome": "fail"})
    page = visit(back.location).text
    assert "Card not saved" in page
    assert "unable to authenticate" in page
    error = intent_of(session).last_setup_error
    assert error.code == "setup_intent_authentication_failure"
    bank = visit(str(session.url), card(ASKS)).location
    assert visit(bank, {"outcome": "complete"}).location == paid_address(session)
    assert len(stripe.PaymentMethod.list(customer=owner).data) == 1
    assert event_types().count("setup_intent.setup_failed") == 1


def test_a_card_that_cannot_be_kept_is_told_in_place() -> None:
    owner = customer()
    session = setting_up(owner)
    page = visit(str(session.url), card("4000 0000 0000 0002"))
    assert "Your card was declined." in page.text
    assert again(session).status == "open"
    assert intent_of(session).last_setup_error.decline_code == "generic_decline"
    assert stripe.PaymentMethod.list(customer=owner).data == []
    assert visit(str(session.url), card()).location == paid_address(session)


def test_the_shop_may_say_that_a_saved_card_may_be_shown() -> None:
    owner = customer()
    session = setting_up(owner, payment_method_data={"allow_redisplay": "always"})
    visit(str(session.url), card())
    (kept,) = stripe.PaymentMethod.list(customer=owner).data
    assert kept.allow_redisplay == "always"


def test_saved_cards_are_not_offered_to_be_saved_again() -> None:
    owner = customer()
    saved = stripe.PaymentMethod.attach("pm_card_mastercard", customer=owner).id
    stripe.PaymentMethod.modify(saved, allow_redisplay="always")
    assert "Mastercard" not in visit(str(setting_up(owner).url)).text


def test_a_session_that_expires_takes_its_setup_intent_along() -> None:
    session = setting_up(customer())
    stripe.checkout.Session.expire(session.id)
    assert intent_of(session).status == "canceled"
    assert event_types()[-2:] == ["setup_intent.canceled", "checkout.session.expired"]


def test_the_page_speaks_traditional_chinese() -> None:
    page = visit(str(setting_up(customer(), locale="zh-TW").url)).text
    assert "儲存卡片" in page


@pytest.mark.parametrize(
    "wanted",
    [
        {"line_items": [{"quantity": 1}]},
        {"payment_intent_data": {"description": "x"}},
        {"currency": "xxx"},
        {"setup_intent_data": {"colour": "red"}},
    ],
)
def test_what_a_setup_session_may_not_have_is_refused(wanted: dict[str, Any]) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        setting_up(customer(), **wanted)
    assert stripe.SetupIntent.list().data == []


def test_a_setup_session_needs_a_currency_or_the_kinds_of_payment() -> None:
    wanted: Any = {"mode": "setup", "success_url": SUCCESS, "customer": customer()}
    with pytest.raises(stripe.InvalidRequestError, match="You must provide `currency`"):
        stripe.checkout.Session.create(**wanted)
    made = stripe.checkout.Session.create(**wanted, payment_method_types=["card"])
    assert made.setup_intent


# --- by request -----------------------------------------------------------------------


def test_a_setup_intent_is_made_confirmed_and_listed() -> None:
    owner = customer()
    method = stripe.PaymentMethod.create(
        type="card",
        card={"number": ASKS, "exp_month": 12, "exp_year": 2034, "cvc": "123"},
    ).id
    made = stripe.SetupIntent.create(
        customer=owner, payment_method_types=["card"], metadata={"a": "1"}
    )
    assert made.status == "requires_payment_method"
    asking: Any = stripe.SetupIntent.confirm(
        made.id, payment_method=method, return_url=BACK
    )
    assert asking.status == "requires_action"
    left = visit(asking.next_action.redirect_to_url.url, {"outcome": "complete"})
    assert f"setup_intent={made.id}" in left.location
    assert "redirect_status=succeeded" in left.location
    done = stripe.SetupIntent.retrieve(made.id, expand=["payment_method"])
    kept: Any = done.payment_method
    assert (done.status, kept.customer) == ("succeeded", owner)
    stripe.SetupIntent.create()
    listed = stripe.SetupIntent.list(customer=owner).data
    assert [one.id for one in listed] == [made.id]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        stripe.SetupIntent.cancel(made.id)
    assert refused.value.code == "setup_intent_unexpected_state"


def test_a_setup_intent_is_changed_and_cancelled() -> None:
    made = stripe.SetupIntent.create(payment_method_types=["card"])
    changed = stripe.SetupIntent.modify(made.id, metadata={"a": "1"}, description="x")
    assert changed.metadata
    assert changed.metadata["a"] == "1"
    stopped = stripe.SetupIntent.cancel(made.id, cancellation_reason="abandoned")
    assert (stopped.status, stopped.cancellation_reason) == ("canceled", "abandoned")
    assert event_types()[-1] == "setup_intent.canceled"


def test_a_refused_card_comes_with_the_setup_intent() -> None:
    with pytest.raises(stripe.CardError) as refused:
        stripe.SetupIntent.create(
            confirm=True,
            customer=customer(),
            payment_method="pm_card_chargeDeclined",
            payment_method_types=["card"],
        )
    error: Any = refused.value.error
    assert error.setup_intent.status == "requires_payment_method"
    assert event_types()[-1] == "setup_intent.setup_failed"


def test_a_setup_is_replayed_under_its_key() -> None:
    owner, wanted = customer(), {"idempotency_key": "setup:1"}
    first = stripe.SetupIntent.create(customer=owner, **wanted)  # type: ignore[arg-type]
    second = stripe.SetupIntent.create(customer=owner, **wanted)  # type: ignore[arg-type]
    assert first.id == second.id


# --- kept cards -----------------------------------------------------------------------


def test_a_card_once_set_up_is_not_asked_off_session(
    stripe_sandbox: StripeSandbox,
) -> None:
    owner = customer()
    method = stripe_sandbox.save_card(owner, ASKS_UNLESS_SET_UP, is_default=True)
    assert off_session(owner, method).status == "succeeded"
    found: Any = stripe.Customer.retrieve(owner)
    assert found.invoice_settings.default_payment_method == method
    on_session = stripe.PaymentIntent.create(
        amount=2000,
        currency="usd",
        confirm=True,
        customer=owner,
        payment_method=method,
        payment_method_types=["card"],
    )
    assert on_session.status == "requires_action"


def test_a_good_card_may_turn_bad(stripe_sandbox: StripeSandbox) -> None:
    owner = customer()
    method = stripe_sandbox.save_card(owner)
    assert off_session(owner, method).status == "succeeded"
    stripe_sandbox.change_card(method, "4000000000009987")
    with pytest.raises(stripe.CardError) as refused:
        off_session(owner, method)
    error: Any = refused.value.error
    assert error.decline_code == "lost_card"


def test_a_saved_card_expires_and_is_renewed(stripe_sandbox: StripeSandbox) -> None:
    owner = customer()
    method = stripe_sandbox.save_card(owner)
    stripe.PaymentMethod.modify(method, card={"exp_month": 1, "exp_year": 2025})
    with pytest.raises(stripe.CardError) as refused:
        off_session(owner, method)
    assert refused.value.code == "expired_card"
    stripe.PaymentMethod.modify(method, card={"exp_month": 1, "exp_year": 2035})
    assert off_session(owner, method).status == "succeeded"
    assert event_types().count("payment_method.updated") == 2


def test_a_card_that_cannot_be_kept_is_refused(stripe_sandbox: StripeSandbox) -> None:
    with pytest.raises(stripe.CardError):
        stripe_sandbox.save_card(customer(), "4000000000000002")

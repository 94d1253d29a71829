"""A payment intent is paid: the card is asked, and the intent moves to its next state.

Succeeds, fails with the charge that failed, or waits for the person to authenticate.
Off session nobody can authenticate, so a card that asks is declined.
"""

import time

from sandbox.stripe.cards import DECLINES, Decline, card_of, refuse
from sandbox.stripe.charges import charge_failed, charge_paid
from sandbox.stripe.disputes import dispute_as_the_card_says
from sandbox.stripe.errors import Json, StripeError
from sandbox.stripe.intents import ask, turn_down
from sandbox.stripe.invoice_payments import settle_invoice
from sandbox.stripe.payment_methods import attach
from sandbox.stripe.work import Work, public


def pay(
    work: Work,
    intent: Json,
    method: Json,
    *,
    nobody_is_there: bool = False,
    is_authenticated: bool = False,
    return_url: str | None = None,
) -> Json:
    intent["_was_authenticated"] = is_authenticated
    was_set_up = bool(method.get("_was_set_up"))
    asks = card_of(method).asks(off_session=nobody_is_there, was_set_up=was_set_up)
    if work.failure and work.failure.kind == "decline":
        raise declined(work, intent, method, DECLINES[work.failure.reason])
    if asks and not is_authenticated:
        if nobody_is_there:
            required = DECLINES["authentication_required"]
            raise declined(work, intent, method, required)
        return ask(work, intent, method, return_url)
    if decline := _decline_of(work, method):
        raise declined(work, intent, method, decline)
    intent |= {
        "last_payment_error": None,
        "next_action": None,
        "payment_method": method["id"],
    }
    if work.fault == "processing":
        state = {"card": {"customer_notification": None}, "type": "card"}
        intent |= {"processing": state, "status": "processing"}
        return work.tell("payment_intent.processing", intent)
    return succeed(work, intent, method)


def _decline_of(work: Work, method: Json) -> Decline | None:
    month = (method["card"]["exp_year"], method["card"]["exp_month"])
    if month < time.gmtime(work.at)[:2]:
        return DECLINES["expired_card"]
    return card_of(method).decline


def succeed(work: Work, intent: Json, method: Json) -> Json:
    charge = charge_paid(work, intent, method)
    intent |= {
        "amount_received": intent["amount"],
        "latest_charge": charge["id"],
        "next_action": None,
        "processing": None,
        "status": "succeeded",
    }
    work.save(intent)
    _keep_card(work, intent, method)
    work.emit("payment_intent.succeeded", intent)
    settle_invoice(work, intent)
    dispute_as_the_card_says(work, charge, card_of(method))
    return intent


def _keep_card(work: Work, intent: Json, method: Json) -> None:
    """A card is kept for later if that was asked, and used up if it has no owner."""
    if not (intent["setup_future_usage"] or intent.get("_keeps_card")):
        if method["customer"] is None:
            work.change(method, {"_is_spent": True})
        return
    if intent.get("_was_authenticated"):
        work.change(method, {"_was_set_up": True})
    if intent["customer"]:
        attach(work, method, intent["customer"])


def declined(work: Work, intent: Json, method: Json, decline: Decline) -> StripeError:
    """The failed charge stands; the intent waits for another card. To be raised."""
    charge = charge_failed(work, intent, method, decline)
    error = refuse(decline)
    error.extra |= {"charge": charge["id"], "payment_method": public(method)}
    turn_down(work, intent, error.fields(), latest_charge=charge["id"], processing=None)
    error.extra["payment_intent"] = public(intent)
    return error

"""A payment intent is paid: the card is asked, and the intent moves to its next state.

Succeeds, fails with the charge that failed, or waits for the person to authenticate.
Off session nobody can authenticate, so a card that asks is declined.
"""

from urllib.parse import urlencode

from sandbox.stripe.cards import DECLINES, Decline, card_of, refuse
from sandbox.stripe.charges import charge_failed, charge_paid
from sandbox.stripe.errors import Json, StripeError
from sandbox.stripe.payment_methods import attach
from sandbox.stripe.work import SHAPES, Work, public


def pay(
    work: Work,
    intent: Json,
    method: Json,
    *,
    nobody_is_there: bool,
    return_url: str | None = None,
) -> Json:
    intent["_was_authenticated"] = False
    was_set_up = bool(method.get("_was_set_up"))
    if card_of(method).asks(off_session=nobody_is_there, was_set_up=was_set_up):
        if nobody_is_there:
            required = DECLINES["authentication_required"]
            raise declined(work, intent, method, required)
        return _ask(work, intent, method, return_url)
    return _charge(work, intent, method)


def _ask(work: Work, intent: Json, method: Json, return_url: str | None) -> Json:
    url = f"{work.sandbox.public_url}/3ds/{intent['id']}"
    intent["next_action"] = {
        "type": "use_stripe_sdk",
        "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url},
    }
    if return_url:
        intent["next_action"] = {
            "type": "redirect_to_url",
            "redirect_to_url": {"return_url": return_url, "url": url},
        }
    intent |= {
        "_return_url": return_url,
        "last_payment_error": None,
        "payment_method": method["id"],
        "status": "requires_action",
    }
    work.save(intent)
    work.emit("payment_intent.requires_action", intent)
    return intent


def _charge(work: Work, intent: Json, method: Json) -> Json:
    if decline := card_of(method).decline:
        raise declined(work, intent, method, decline)
    intent |= {
        "last_payment_error": None,
        "next_action": None,
        "payment_method": method["id"],
    }
    if work.fault == "processing":
        intent |= {
            "processing": {"card": {"customer_notification": None}, "type": "card"},
            "status": "processing",
        }
        work.save(intent)
        work.emit("payment_intent.processing", intent)
        return intent
    return succeed(work, intent, method)


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
    return intent


def _keep_card(work: Work, intent: Json, method: Json) -> None:
    """A card is kept for later if that was asked, and used up if it has no owner."""
    if not intent["setup_future_usage"]:
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
    intent |= {
        "last_payment_error": error.fields(),
        "latest_charge": charge["id"],
        "next_action": None,
        "payment_method": None,
        "processing": None,
        "status": "requires_payment_method",
    }
    work.save(intent)
    work.emit("payment_intent.payment_failed", intent)
    error.extra["payment_intent"] = public(intent)
    return error


def pass_authentication(work: Work, intent: Json) -> Json:
    intent["_was_authenticated"] = True
    method = work.find("payment_method", intent["payment_method"])
    return _charge(work, intent, method)


def fail_authentication(work: Work, intent: Json) -> Json:
    method = work.find("payment_method", intent["payment_method"])
    intent |= {
        "last_payment_error": SHAPES["authentication_failed"]
        | {"payment_method": public(method)},
        "next_action": None,
        "payment_method": None,
        "status": "requires_payment_method",
    }
    work.save(intent)
    work.emit("payment_intent.payment_failed", intent)
    return intent


def return_address(intent: Json) -> str | None:
    """Where the person goes after authentication, told how it went."""
    if not (url := intent.get("_return_url")):
        return None
    status = "succeeded" if intent["status"] == "succeeded" else "failed"
    facts = {
        "payment_intent": intent["id"],
        "payment_intent_client_secret": intent["client_secret"],
        "redirect_status": status,
    }
    return f"{url}{'&' if '?' in url else '?'}{urlencode(facts)}"

"""A person pays or saves a card on the payment page and goes back to the shop.

A declined card is told in place, and the form keeps what was typed but the security
code. Paying a session that is already paid leads on to the shop and charges nothing.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from sandbox.stripe.checkout_form import (
    expiry_typed,
    link_to_shop,
    offers_to_keep,
    saved_cards,
    show_form,
)
from sandbox.stripe.checkout_sessions import complete_session, expire_old_sessions
from sandbox.stripe.confirm import carry_out
from sandbox.stripe.errors import CardRefusal, Json
from sandbox.stripe.exchange import Answer, Request
from sandbox.stripe.intents import kind_of
from sandbox.stripe.open_session import intent_field, intent_of, name_payer
from sandbox.stripe.payment_methods import create_payment_method
from sandbox.stripe.render import is_loopback, message, redirect
from sandbox.stripe.words import language_of, say
from sandbox.stripe.work import Work

WALKED_AWAY = "The approval was cancelled. You can try this or another card."
AT_FIELD = {
    "exp_month": "expiry",
    "exp_year": "expiry",
    "number": "number",
    "cvc": "cvc",
}


def answer_checkout(work: Work, request: Request, name: str) -> Answer:
    expire_old_sessions(work)
    session = work.sandbox.store.get("checkout.session", name)
    if session is None:
        return not_there(request)
    language = language_of(session["locale"], request.headers)
    if session["status"] == "complete":
        return go_to_shop(work, session, language)
    if session["status"] == "expired":
        return message(
            language,
            say(language, "This payment page has expired"),
            say(language, "Nothing was charged. Start again from the shop."),
            link=link_to_shop(work, language, session["cancel_url"]),
        )
    if request.method == "POST":
        return _take_payment(work, session, language, typed_in(request))
    problems = _what_the_bank_said(work, session, request)
    return show_form(work, session, language, typed={}, problems=problems)


def not_there(request: Request) -> Answer:
    language = language_of(None, request.headers)
    return message(
        language,
        say(language, "This page does not exist"),
        say(language, "The address is wrong, or the sandbox was emptied."),
        status=404,
    )


def typed_in(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body, keep_blank_values=True))


def go_to_shop(work: Work, session: Json, language: str) -> Answer:
    address = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])
    if is_loopback(address):
        return redirect(address)
    # The page's policy lets a form lead to this machine only; a link leads anywhere.
    return message(
        language,
        say(language, "This payment is complete"),
        say(language, "There is nothing more to pay here."),
        link=link_to_shop(work, language, address),
    )


def _what_the_bank_said(work: Work, session: Json, request: Request) -> dict[str, str]:
    if "approval=cancelled" in request.query:
        return {"": WALKED_AWAY}
    if not session[intent_field(session)]:
        return {}
    intent = intent_of(work, session)
    error = intent[kind_of(intent).error]
    return {"": error["message"]} if error else {}


def _take_payment(
    work: Work, session: Json, language: str, typed: dict[str, str]
) -> Answer:
    saved = {card["id"]: card for card in saved_cards(work, session)}
    problems = _problems(session, typed, saved)
    if not problems:
        try:
            method = saved.get(typed.get("method", ""))
            method = method or _new_card(work, session, typed)
            _remember_payer(work, session, method, typed)
            intent = intent_of(work, session)
            _keep_if_wanted(work, session, intent, method, typed)
            carry_out(work, intent, method)
        except CardRefusal as error:
            problems = {AT_FIELD.get(error.param or "", ""): error.message}
    if problems:
        return show_form(work, session, language, typed=typed, problems=problems)
    if intent["status"] == "requires_action":
        return redirect(f"/3ds/{intent['id']}")
    complete_session(work, session, intent)
    return go_to_shop(work, session, language)


def _keep_if_wanted(
    work: Work, session: Json, intent: Json, method: Json, typed: Mapping[str, str]
) -> None:
    """The person ticked the box, and may be shown the card again."""
    is_wanted = offers_to_keep(session) and bool(typed.get("save"))
    work.change(intent, {"_keeps_card": is_wanted})
    if is_wanted:
        work.change(method, {"allow_redisplay": "always"})


def _problems(
    session: Json, typed: Mapping[str, str], saved: Mapping[str, Json]
) -> dict[str, str]:
    found = {}
    asks_email = not (session["customer"] or session["customer_email"])
    if asks_email and "@" not in typed.get("email", ""):
        found["email"] = "Enter an email address."
    chosen = typed.get("method", "new")
    if chosen in saved:
        return found
    if chosen != "new":
        return found | {"": "Choose a card."}
    if not typed.get("number", "").strip():
        found["number"] = "Enter a card number."
    if expiry_typed(typed.get("expiry", "")) is None:
        found["expiry"] = "Enter the expiry date as MM / YY."
    if not typed.get("cvc", "").strip():
        found["cvc"] = "Enter the security code."
    return found


def _new_card(work: Work, session: Json, typed: Mapping[str, str]) -> Json:
    month, year = expiry_typed(typed["expiry"]) or (0, 0)
    card = {
        "cvc": typed["cvc"].strip(),
        "exp_month": month,
        "exp_year": year,
        "number": typed["number"],
    }
    details = {"name": typed.get("name") or None, "email": typed.get("email") or None}
    params = {"allow_redisplay": "limited", "billing_details": details, "card": card}
    return create_payment_method(work, params | session.get("_method_data", {}))


def _remember_payer(
    work: Work, session: Json, method: Json, typed: Mapping[str, str]
) -> None:
    name = method["billing_details"]["name"]
    if not session["customer"]:
        name_payer(session, session["customer_email"] or typed.get("email"), name)
    else:
        customer = work.find("customer", session["customer"])
        if name and session["_customer_update"].get("name") == "auto":
            before = work.change(customer, {"name": name})
            work.emit("customer.updated", customer, before)
        name_payer(session, customer["email"], name or customer["name"])
    work.save(session)

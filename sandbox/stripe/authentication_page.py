"""The bank's page: a person approves the payment, fails to, or walks away.

Walking away decides nothing: the payment goes on waiting for approval.
"""

from sandbox.stripe.checkout_form import card_title
from sandbox.stripe.checkout_page import go_to_shop, not_there, typed_in
from sandbox.stripe.checkout_sessions import complete_session
from sandbox.stripe.confirm import pass_authentication
from sandbox.stripe.currency import shown
from sandbox.stripe.errors import CardRefusal, Json
from sandbox.stripe.exchange import Answer, Request
from sandbox.stripe.intents import fail_authentication, return_address
from sandbox.stripe.render import fill, is_loopback, message, page, redirect
from sandbox.stripe.words import language_of, say
from sandbox.stripe.work import Work

WORDS = {
    "payment_intent": (
        "Approve the payment",
        "Your bank asks whether it is you who pays $merchant.",
    ),
    "setup_intent": (
        "Approve the card",
        "Your bank asks whether it is you who saves this card with $merchant.",
    ),
}


def answer_authentication(work: Work, request: Request, name: str) -> Answer:
    kind = "setup_intent" if name.startswith("seti_") else "payment_intent"
    intent = work.sandbox.store.get(kind, name)
    if intent is None:
        return not_there(request)
    session = None
    if intent.get("_session"):
        session = work.find("checkout.session", intent["_session"])
    language = language_of(session["locale"] if session else None, request.headers)
    is_open = intent["status"] == "requires_action"
    if is_open and request.method == "GET":
        return _ask(work, intent, session, language)
    outcome = typed_in(request).get("outcome", "")
    if is_open:
        _decide(work, intent, outcome)
    if session is None:
        return _leave(intent, language)
    complete_session(work, session, intent)
    if session["status"] == "complete":
        return go_to_shop(work, session, language)
    note = "?approval=cancelled" if outcome == "cancel" else ""
    return redirect(f"/c/pay/{session['id']}{note}")


def _ask(work: Work, intent: Json, session: Json | None, language: str) -> Answer:
    method = work.find("payment_method", intent["payment_method"])
    title, question = WORDS[intent["object"]]
    amount = intent.get("amount")
    main = fill(
        "authentication.html",
        language,
        title=say(language, title),
        question=say(language, question, merchant=work.sandbox.merchant),
        amount=shown(amount, intent["currency"]) if amount else "",
        card=card_title(language, method["card"]),
    )
    shop = session["success_url"] if session else intent.get("_return_url")
    return page(language, say(language, title), main, leads_to=shop)


def _decide(work: Work, intent: Json, outcome: str) -> None:
    if outcome == "complete":
        try:
            pass_authentication(work, intent)
        except CardRefusal:
            return  # the reason stands in the intent's last error
    elif outcome == "fail":
        fail_authentication(work, intent)


def _leave(intent: Json, language: str) -> Answer:
    address = return_address(intent)
    if address and is_loopback(address):
        return redirect(address)
    return message(
        language,
        say(language, WORDS[intent["object"]][0]),
        say(language, "The answer was recorded. You may close this page."),
    )

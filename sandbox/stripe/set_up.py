"""A setup intent is carried out: the card is asked for, and kept for its customer."""

from sandbox.stripe.cards import GENERIC, card_of, refuse
from sandbox.stripe.errors import Json
from sandbox.stripe.intents import ask, turn_down
from sandbox.stripe.payment_methods import attach
from sandbox.stripe.work import Work, public


def set_up(
    work: Work,
    intent: Json,
    method: Json,
    *,
    is_authenticated: bool = False,
    return_url: str | None = None,
) -> Json:
    card = card_of(method)
    if not card.attaches:
        error = refuse(card.decline or GENERIC)
        error.extra["payment_method"] = public(method)
        turn_down(work, intent, error.fields())
        error.extra["setup_intent"] = public(intent)
        raise error
    if card.asks_on_session and not is_authenticated:
        return ask(work, intent, method, return_url)
    work.change(method, {"_was_set_up": True})
    if intent["customer"]:
        attach(work, method, intent["customer"])
    return work.tell(
        "setup_intent.succeeded",
        intent,
        last_setup_error=None,
        next_action=None,
        payment_method=method["id"],
        status="succeeded",
    )

"""The routes of payment intents and setup intents: made, changed, confirmed, cancelled.

Both are confirmed alike; what confirming does stands in `pay` and in `set_up`.
"""

from collections.abc import Callable

from sandbox.stripe.errors import Json, Refusal, refusal
from sandbox.stripe.intents import (
    CANCELLABLE,
    PAYABLE,
    cancel,
    change_intent,
    intent_refusal,
    must_be,
    must_not_be_of_a_session,
    new_intent,
)
from sandbox.stripe.pay import pay
from sandbox.stripe.payment_methods import payment_method_named
from sandbox.stripe.routes import Routes, reading
from sandbox.stripe.set_up import set_up
from sandbox.stripe.work import Work

CONFIRMING = ("error_on_requires_action", "off_session", "return_url")
ALWAYS_CHANGEABLE = {"metadata", "description"}
CARRY_OUT: dict[str, Callable[..., Json]] = {
    "payment_intent": pay,
    "setup_intent": set_up,
}


def carry_out(work: Work, intent: Json, method: Json, **how: object) -> Json:
    return CARRY_OUT[intent["object"]](work, intent, method, **how)


def pass_authentication(work: Work, intent: Json) -> Json:
    method = work.find("payment_method", intent["payment_method"])
    return carry_out(work, intent, method, is_authenticated=True)


def routes_of(kind: str, url: str) -> Routes:
    def create(work: Work, params: Json) -> Json:
        is_confirmed = params.pop("confirm", False)
        how = _how(params)
        if how and not is_confirmed:
            given = next(iter(how))
            raise Refusal(f"You may only pass {given} if confirm=true.", param=given)
        intent = new_intent(work, kind, params)
        return _confirm(work, intent, how) if is_confirmed else intent

    def update(work: Work, params: Json, name: str) -> Json:
        intent = work.find(kind, name)
        if set(params) - ALWAYS_CHANGEABLE:
            must_be(intent, PAYABLE, "update")
            must_not_be_of_a_session(intent, "update")
        change_intent(work, intent, params)
        return intent

    def confirm(work: Work, params: Json, name: str) -> Json:
        intent = work.find(kind, name)
        must_be(intent, PAYABLE, "confirm")
        must_not_be_of_a_session(intent, "confirm")
        how = _how(params)
        change_intent(work, intent, params)
        return _confirm(work, intent, how)

    def cancel_it(work: Work, params: Json, name: str) -> Json:
        intent = work.find(kind, name)
        must_be(intent, CANCELLABLE, "cancel")
        must_not_be_of_a_session(intent, "cancel")
        return cancel(work, intent, params.get("cancellation_reason"))

    return {
        **reading(kind, url),
        f"POST {url}": create,
        f"POST {url}/{{id}}": update,
        f"POST {url}/{{id}}/confirm": confirm,
        f"POST {url}/{{id}}/cancel": cancel_it,
    }


def _how(params: Json) -> Json:
    return {key: params.pop(key) for key in CONFIRMING if key in params}


def _confirm(work: Work, intent: Json, how: Json) -> Json:
    if not intent["payment_method"]:
        raise intent_refusal("intent_needs_card", intent)
    automatic = intent["automatic_payment_methods"] or {}
    if automatic.get("enabled") and automatic.get("allow_redirects") == "always":
        _must_have_return_url(how)
    method = payment_method_named(work, intent["payment_method"])
    asked: Json = {"return_url": how.get("return_url")}
    if how.get("off_session", "false") != "false" or how.get(CONFIRMING[0]):
        asked["nobody_is_there"] = True
    return carry_out(work, intent, method, **asked)


def _must_have_return_url(how: Json) -> None:
    if "return_url" not in how:
        raise refusal("return_url_missing")


ROUTES: Routes = {
    **routes_of("payment_intent", "/v1/payment_intents"),
    **routes_of("setup_intent", "/v1/setup_intents"),
}

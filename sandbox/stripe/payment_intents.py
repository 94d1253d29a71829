"""Payment intents: made, changed, confirmed, cancelled."""

from collections.abc import Iterable

from sandbox.stripe.currency import check_amount, known_currency
from sandbox.stripe.errors import Conflict, Json, Refusal
from sandbox.stripe.params import merge_metadata
from sandbox.stripe.pay import pay
from sandbox.stripe.payment_methods import check_owner, payment_method_named
from sandbox.stripe.routes import Routes, getting, listing
from sandbox.stripe.work import Work

CONFIRMING = ("error_on_requires_action", "off_session", "return_url")
PAYABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
CANCELLABLE = (*PAYABLE, "requires_capture", "processing")


def create_payment_intent(work: Work, params: Json) -> Json:
    is_confirmed = params.pop("confirm", False)
    confirming = {key: params.pop(key) for key in CONFIRMING if key in params}
    if confirming and not is_confirmed:
        given = next(iter(confirming))
        raise Refusal(f"You may only pass {given} if confirm=true.", param=given)
    intent = new_intent(work, params)
    work.emit("payment_intent.created", intent)
    return _confirm(work, intent, confirming) if is_confirmed else intent


def new_intent(work: Work, params: Json) -> Json:
    intent = work.blank("payment_intent", "pi")
    intent["client_secret"] = f"{intent['id']}_secret_{work.sandbox.token(25)}"
    intent["automatic_payment_methods"] = _automatic(params)
    intent["capture_method"] = params.get("capture_method", intent["capture_method"])
    work.change(intent, _changes(work, intent, params))
    return intent


def _automatic(params: Json) -> Json | None:
    wanted: Json | None = params.pop("automatic_payment_methods", None)
    if "payment_method_types" in params:
        if wanted and wanted["enabled"]:
            raise Refusal(
                "You may only specify one of these parameters:"
                " automatic_payment_methods, payment_method_types.",
                code="parameters_exclusive",
            )
        return None
    return {"allow_redirects": "always", "enabled": True} | (wanted or {})


def _changes(work: Work, intent: Json, params: Json) -> Json:
    given = dict(params)
    if "customer" in given:
        work.find("customer", given["customer"], "customer")
    if "metadata" in given:
        given["metadata"] = merge_metadata(intent["metadata"], given["metadata"])
    if "currency" in given:
        given["currency"] = known_currency(given["currency"])
    if {"amount", "currency"} & set(given):
        after = intent | given
        check_amount(after["amount"], after["currency"])
    if name := given.get("payment_method"):
        method = payment_method_named(work, name)
        check_owner(method, (intent | given)["customer"], "payment_method")
        given["payment_method"] = method["id"]
        given["status"] = "requires_confirmation"
    return given


def update_payment_intent(work: Work, params: Json, name: str) -> Json:
    intent = work.find("payment_intent", name)
    if set(params) - {"metadata", "description"}:
        _must_be(intent, PAYABLE, "update")
        _must_not_be_of_a_session(intent, "update")
    work.change(intent, _changes(work, intent, params))
    return intent


def confirm_payment_intent(work: Work, params: Json, name: str) -> Json:
    intent = work.find("payment_intent", name)
    _must_be(intent, PAYABLE, "confirm")
    _must_not_be_of_a_session(intent, "confirm")
    confirming = {key: params.pop(key) for key in CONFIRMING if key in params}
    work.change(intent, _changes(work, intent, params))
    return _confirm(work, intent, confirming)


def _confirm(work: Work, intent: Json, how: Json) -> Json:
    if not intent["payment_method"]:
        raise Conflict(
            "You cannot confirm this PaymentIntent because it's missing a payment"
            " method. Confirm it again with one.",
            code="payment_intent_unexpected_state",
        )
    automatic = intent["automatic_payment_methods"] or {}
    if automatic.get("enabled") and automatic.get("allow_redirects") == "always":
        _must_have_return_url(how)
    nobody_is_there = how.get("off_session", "false") != "false"
    method = payment_method_named(work, intent["payment_method"])
    return pay(
        work,
        intent,
        method,
        nobody_is_there=nobody_is_there or how.get("error_on_requires_action", False),
        return_url=how.get("return_url"),
    )


def _must_have_return_url(how: Json) -> None:
    if "return_url" not in how:
        raise Refusal(
            "Some automatic payment methods might redirect your customer off of your"
            " page: you must provide a `return_url`, or set"
            " `automatic_payment_methods[allow_redirects]` to `never`.",
            param="return_url",
        )


def cancel_payment_intent(work: Work, params: Json, name: str) -> Json:
    intent = work.find("payment_intent", name)
    _must_be(intent, CANCELLABLE, "cancel")
    _must_not_be_of_a_session(intent, "cancel")
    return cancel(work, intent, params.get("cancellation_reason"))


def cancel(work: Work, intent: Json, reason: str | None) -> Json:
    work.change(
        intent,
        {
            "canceled_at": work.at,
            "cancellation_reason": reason,
            "next_action": None,
            "processing": None,
            "status": "canceled",
        },
    )
    work.emit("payment_intent.canceled", intent)
    return intent


def _must_be(intent: Json, statuses: Iterable[str], verb: str) -> None:
    if intent["status"] not in statuses:
        raise Conflict(
            f"You cannot {verb} this PaymentIntent because it has a status of"
            f" {intent['status']}. Only a PaymentIntent with one of the following"
            f" statuses allows it: {', '.join(statuses)}.",
            code="payment_intent_unexpected_state",
            extra={"payment_intent": intent},
        )


def _must_not_be_of_a_session(intent: Json, verb: str) -> None:
    if intent.get("_session"):
        raise Conflict(
            f"You cannot {verb} this PaymentIntent because a Checkout Session owns it."
            " Expire the Checkout Session instead.",
            code="payment_intent_unexpected_state",
        )


ROUTES: Routes = {
    "POST /v1/payment_intents": create_payment_intent,
    "GET /v1/payment_intents": listing("payment_intent", "/v1/payment_intents"),
    "GET /v1/payment_intents/{id}": getting("payment_intent"),
    "POST /v1/payment_intents/{id}": update_payment_intent,
    "POST /v1/payment_intents/{id}/confirm": confirm_payment_intent,
    "POST /v1/payment_intents/{id}/cancel": cancel_payment_intent,
}

"""What payment intents and setup intents share: their states and how they change."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from sandbox.stripe.currency import check_amount, known_currency
from sandbox.stripe.errors import Json, StripeError, refusal
from sandbox.stripe.payment_methods import check_owner, payment_method_named
from sandbox.stripe.work import SHAPES, Work, public

EITHER_WAY = "automatic_payment_methods, payment_method_types"
PAYABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
CANCELLABLE = (*PAYABLE, "requires_capture", "processing")


@dataclass(frozen=True)
class Kind:
    """The words in which the two kinds differ."""

    prefix: str
    noun: str
    error: str
    failed: str


KINDS = {
    "payment_intent": Kind(
        "pi", "PaymentIntent", "last_payment_error", "payment_intent.payment_failed"
    ),
    "setup_intent": Kind(
        "seti", "SetupIntent", "last_setup_error", "setup_intent.setup_failed"
    ),
}


def kind_of(intent: Json) -> Kind:
    return KINDS[intent["object"]]


def new_intent(work: Work, kind: str, params: Json, session: str | None = None) -> Json:
    intent = work.blank(kind, KINDS[kind].prefix)
    intent["client_secret"] = f"{intent['id']}_secret_{work.sandbox.token(25)}"
    intent["automatic_payment_methods"] = _automatic(params)
    intent["_session"] = session
    change_intent(work, intent, params)
    work.emit(f"{kind}.created", intent)
    return intent


def _automatic(params: Json) -> Json | None:
    wanted: Json | None = params.pop("automatic_payment_methods", None)
    if "payment_method_types" in params:
        if wanted and wanted["enabled"]:
            raise refusal("parameters_exclusive", names=EITHER_WAY)
        return None
    return {"allow_redirects": "always", "enabled": True} | (wanted or {})


def change_intent(work: Work, intent: Json, params: Json) -> None:
    given = dict(params)
    if "customer" in given:
        work.find("customer", given["customer"], "customer")
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
    work.change(intent, given)


def ask(work: Work, intent: Json, method: Json, return_url: str | None) -> Json:
    """The bank is to be asked, on the page for it."""
    url = f"{work.sandbox.public_url}/3ds/{intent['id']}"
    action: Json = {
        "type": "use_stripe_sdk",
        "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url},
    }
    if return_url:
        action = {
            "type": "redirect_to_url",
            "redirect_to_url": {"return_url": return_url, "url": url},
        }
    intent |= {"_return_url": return_url, kind_of(intent).error: None}
    return work.tell(
        f"{intent['object']}.requires_action",
        intent,
        next_action=action,
        payment_method=method["id"],
        status="requires_action",
    )


def turn_down(work: Work, intent: Json, error: Json, **given: object) -> None:
    """The intent waits for another card, and says why."""
    intent |= {kind_of(intent).error: error, "payment_method": None}
    status = "requires_payment_method"
    work.tell(kind_of(intent).failed, intent, next_action=None, status=status, **given)


def fail_authentication(work: Work, intent: Json) -> None:
    method = work.find("payment_method", intent["payment_method"])
    error = SHAPES["authentication_failed"] | {"payment_method": public(method)}
    code = f"{intent['object']}_authentication_failure"
    turn_down(work, intent, error | {"code": code})


def return_address(intent: Json) -> str | None:
    """Where the person goes after authentication, told how it went."""
    if not (url := intent.get("_return_url")):
        return None
    facts = {
        intent["object"]: intent["id"],
        f"{intent['object']}_client_secret": intent["client_secret"],
        "redirect_status": "succeeded" if intent["status"] == "succeeded" else "failed",
    }
    return f"{url}{'&' if '?' in url else '?'}{urlencode(facts)}"


def cancel(work: Work, intent: Json, reason: str | None) -> Json:
    if intent["object"] == "payment_intent":
        intent |= {"canceled_at": work.at, "processing": None}
    return work.tell(
        f"{intent['object']}.canceled",
        intent,
        cancellation_reason=reason,
        next_action=None,
        status="canceled",
    )


def must_be(intent: Json, statuses: Iterable[str], verb: str) -> None:
    if intent["status"] not in statuses:
        allowed = ", ".join(statuses)
        raise intent_refusal(
            "intent_unexpected_state", intent, verb=verb, statuses=allowed
        )


def must_not_be_of_a_session(intent: Json, verb: str) -> None:
    if intent.get("_session"):
        raise intent_refusal("intent_of_a_session", intent, verb=verb)


def intent_refusal(name: str, intent: Json, **values: str) -> StripeError:
    """The intent comes with it, so that the caller sees how it stands."""
    kind = intent["object"]
    extra, noun = {kind: intent}, KINDS[kind].noun
    return refusal(
        name, extra=extra, kind=kind, noun=noun, status=intent["status"], **values
    )

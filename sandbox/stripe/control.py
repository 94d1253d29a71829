"""The sandbox's own switches, under `/_sandbox`. JSON in, JSON out, no key asked."""

import json
from collections.abc import Callable

from sandbox.stripe.cards import DECLINES
from sandbox.stripe.checkout_sessions import expire_old_sessions, finish_late_payment
from sandbox.stripe.deliver import deliveries
from sandbox.stripe.errors import Conflict, Json, Refusal, StripeError
from sandbox.stripe.exchange import Answer, Request, as_text
from sandbox.stripe.pay import declined, succeed
from sandbox.stripe.work import Sandbox, Work


def answer_control(sandbox: Sandbox, request: Request) -> Answer:
    try:
        switch = SWITCHES.get(f"{request.method} {request.path}")
        if switch is None:
            raise Refusal(f"There is no {request.method} {request.path}.", status=404)
        body = switch(sandbox, _sent(request) if request.method == "POST" else {})
    except StripeError as error:
        return Answer(error.status, as_text(error.body()))
    sandbox.bell.set()
    return Answer(200, as_text(body))


def _sent(request: Request) -> Json:
    # Asking for JSON keeps pages of other sites from posting here unasked.
    if "application/json" not in request.headers.get("Content-Type", ""):
        raise Refusal("Send JSON, as Content-Type: application/json.")
    try:
        sent = json.loads(request.body)
    except ValueError as error:
        raise Refusal(f"That is not JSON: {error}.") from error
    if not isinstance(sent, dict):
        raise Refusal("Send a JSON object.")
    return sent


def _set_clock(sandbox: Sandbox, sent: Json) -> Json:
    at = sent.get("now")
    if at is not None and not isinstance(at, int):
        raise Refusal("`now` is a whole number of seconds, or null for the real time.")
    with sandbox.store.transaction():
        sandbox.store.set_clock(at)
        expire_old_sessions(Work(sandbox, sandbox.store.now()))
    return {"now": sandbox.store.now()}


def _add_failure(sandbox: Sandbox, sent: Json) -> Json:
    sandbox.failures.add(sent)
    return {"data": sandbox.failures.waiting()}


def _clear_failures(sandbox: Sandbox, _: Json) -> Json:
    sandbox.failures.clear()
    return {"data": []}


def _empty(sandbox: Sandbox, _: Json) -> Json:
    sandbox.failures.clear()
    sandbox.store.empty()
    return {"deleted": True}


def _finish_processing(sandbox: Sandbox, sent: Json) -> Json:
    """A payment left processing by the failure of that name succeeds or fails."""
    with sandbox.store.transaction():
        work = Work(sandbox, sandbox.store.now())
        intent = work.find("payment_intent", str(sent.get("payment_intent")))
        if intent["status"] != "processing":
            raise Conflict(f"This PaymentIntent is not processing: {intent['status']}.")
        method = work.find("payment_method", intent["payment_method"])
        if sent.get("outcome") == "succeeded":
            succeed(work, intent, method)
        else:
            declined(work, intent, method, DECLINES["processing_error"])
        if intent.get("_session"):
            session = work.find("checkout.session", intent["_session"])
            finish_late_payment(work, session, intent)
    return {"id": intent["id"], "status": intent["status"]}


SWITCHES: dict[str, Callable[[Sandbox, Json], Json]] = {
    "GET /_sandbox/clock": lambda sandbox, _: {"now": sandbox.store.now()},
    "POST /_sandbox/clock": _set_clock,
    "GET /_sandbox/failures": lambda sandbox, _: {"data": sandbox.failures.waiting()},
    "POST /_sandbox/failures": _add_failure,
    "DELETE /_sandbox/failures": _clear_failures,
    "GET /_sandbox/deliveries": lambda sandbox, _: {"data": deliveries(sandbox)},
    "DELETE /_sandbox/data": _empty,
    "POST /_sandbox/processing": _finish_processing,
}

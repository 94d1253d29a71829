"""The sandbox's own switches, under `/_sandbox`. JSON in, JSON out, no key asked.

What a person, a bank or time would do to an object is done here on request. What such
a switch takes stands in `parameters.json`, beside what the routes take.
"""

import json
from collections.abc import Callable
from typing import Any

from sandbox.stripe.cards import DECLINES
from sandbox.stripe.checkout_sessions import finish_late_payment
from sandbox.stripe.deliver import deliver_now, deliveries
from sandbox.stripe.disputes import close_dispute, escalate_dispute, open_dispute
from sandbox.stripe.errors import Conflict, Json, Refusal, StripeError
from sandbox.stripe.exchange import Answer, Request, as_text
from sandbox.stripe.params import read_params
from sandbox.stripe.passing_time import let_time_pass
from sandbox.stripe.pay import declined, succeed
from sandbox.stripe.payment_methods import become
from sandbox.stripe.refunds import settle_refund
from sandbox.stripe.work import Sandbox, Work, public


def answer_control(sandbox: Sandbox, request: Request) -> Answer:
    name = f"{request.method} {request.path}"
    try:
        sent = _sent(request) if request.method == "POST" else {}
        if act := ACTS.get(name):
            with sandbox.store.transaction():
                work = Work(sandbox, sandbox.store.now())
                body = public(act(work, read_params(name, _as_texts(sent))))
        elif switch := SWITCHES.get(name):
            body = switch(sandbox, sent)
        else:
            raise Refusal(f"There is no {name}.", status=404)
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


def _as_texts(sent: Json) -> dict[str, Any]:
    """Numbers and truths as a form would say them; what is null is not said."""
    return {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in sent.items()
        if value is not None
    }


def _set_clock(sandbox: Sandbox, sent: Json) -> Json:
    at = sent.get("now")
    if at is not None and not isinstance(at, int):
        raise Refusal("`now` is a whole number of seconds, or null for the real time.")
    with sandbox.store.transaction():
        sandbox.store.set_clock(at)
        let_time_pass(Work(sandbox, sandbox.store.now()))
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


def _finish_processing(work: Work, given: Json) -> Json:
    """A payment left processing by the failure of that name succeeds or fails."""
    intent = work.find("payment_intent", given["payment_intent"])
    if intent["status"] != "processing":
        raise Conflict(f"This PaymentIntent is not processing: {intent['status']}.")
    method = work.find("payment_method", intent["payment_method"])
    if given["outcome"] == "succeeded":
        succeed(work, intent, method)
    else:
        declined(work, intent, method, DECLINES["processing_error"])
    if intent.get("_session"):
        session = work.find("checkout.session", intent["_session"])
        finish_late_payment(work, session, intent)
    return intent


def _change_card(work: Work, given: Json) -> Json:
    method = work.find("payment_method", given["payment_method"])
    return become(work, method, given["number"])


def _settle_refund(work: Work, given: Json) -> Json:
    return settle_refund(work, work.find("refund", given["refund"]), given["outcome"])


def _open_dispute(work: Work, given: Json) -> Json:
    intent = work.find("payment_intent", given.pop("payment_intent"))
    charge = work.find("charge", intent["latest_charge"] or "")
    return open_dispute(work, charge, **given)


def _escalate_dispute(work: Work, given: Json) -> Json:
    return escalate_dispute(work, work.find("dispute", given["dispute"]))


def _close_dispute(work: Work, given: Json) -> Json:
    dispute = work.find("dispute", given["dispute"])
    return close_dispute(work, dispute, given["outcome"])


def _deliver(work: Work, given: Json) -> Json:
    """One event once more, or now whatever waits."""
    if "event" in given:
        return {"queued": work.queue(work.find("event", given["event"]))}
    return {"queued": deliver_now(work.sandbox)}


ACTS: dict[str, Callable[[Work, Json], Json]] = {
    "POST /_sandbox/cards": _change_card,
    "POST /_sandbox/deliveries": _deliver,
    "POST /_sandbox/disputes": _open_dispute,
    "POST /_sandbox/disputes/close": _close_dispute,
    "POST /_sandbox/disputes/escalate": _escalate_dispute,
    "POST /_sandbox/processing": _finish_processing,
    "POST /_sandbox/refunds": _settle_refund,
}
SWITCHES: dict[str, Callable[[Sandbox, Json], Json]] = {
    "GET /_sandbox/clock": lambda sandbox, _: {"now": sandbox.store.now()},
    "POST /_sandbox/clock": _set_clock,
    "GET /_sandbox/failures": lambda sandbox, _: {"data": sandbox.failures.waiting()},
    "POST /_sandbox/failures": _add_failure,
    "DELETE /_sandbox/failures": _clear_failures,
    "GET /_sandbox/deliveries": lambda sandbox, _: {"data": deliveries(sandbox)},
    "DELETE /_sandbox/data": _empty,
}

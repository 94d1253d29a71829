"""Checkout sessions are completed, once, or expire."""

from sandbox.stripe.errors import Json, refusal
from sandbox.stripe.intents import cancel
from sandbox.stripe.lists import page_of
from sandbox.stripe.open_session import create_session, intent_field, intent_of
from sandbox.stripe.routes import Routes, reading, updating
from sandbox.stripe.work import Work

KIND, URL = "checkout.session", "/v1/checkout/sessions"


def complete_session(work: Work, session: Json, intent: Json) -> None:
    """Called after every step of the payment; completes the session once."""
    if session["status"] != "open" or intent["status"] not in (
        "succeeded",
        "processing",
    ):
        return
    if session["mode"] == "payment" and intent["status"] == "succeeded":
        session["payment_status"] = "paid"
    work.tell("checkout.session.completed", session, status="complete", url=None)


def finish_late_payment(work: Work, session: Json, intent: Json) -> None:
    if intent["status"] == "succeeded":
        paid = "checkout.session.async_payment_succeeded"
        work.tell(paid, session, payment_status="paid")
    else:
        work.emit("checkout.session.async_payment_failed", session)


def expire_session(work: Work, params: Json, name: str) -> Json:
    session = work.find("checkout.session", name)
    if session["status"] != "open":
        raise refusal("session_not_open", status=session["status"])
    if session[intent_field(session)]:
        reason = "expired" if session["mode"] == "payment" else "abandoned"
        cancel(work, intent_of(work, session), reason)
    return work.tell("checkout.session.expired", session, status="expired", url=None)


def expire_old_sessions(work: Work) -> None:
    for session in reversed(work.select("checkout.session", status="open")):
        if session["expires_at"] <= work.at:
            expire_session(work, {}, session["id"])


def list_line_items(work: Work, params: Json, name: str) -> Json:
    session = work.find("checkout.session", name)
    return page_of(session["_line_items"], params, f"{URL}/{name}/line_items")


ROUTES: Routes = {
    **reading(KIND, URL),
    f"POST {URL}": create_session,
    f"POST {URL}/{{id}}": updating(KIND),
    f"POST {URL}/{{id}}/expire": expire_session,
    f"GET {URL}/{{id}}/line_items": list_line_items,
}

"""Refunds: up to what is left of a charge, at once or after a while, or never.

The card decides, or a failure asked for: a refund may wait and then succeed, or succeed
and then fail. What fails is owed by nobody: the charge counts it as unrefunded again.
"""

from sandbox.stripe.balance import add_to_balance
from sandbox.stripe.cards import card_of
from sandbox.stripe.currency import shown
from sandbox.stripe.disputes import is_charged_back
from sandbox.stripe.errors import Conflict, Json, Refusal, refusal
from sandbox.stripe.routes import Routes, reading, updating
from sandbox.stripe.work import Work

URL = "/v1/refunds"
SETTLES_AFTER_SECONDS = 60


def create_refund(work: Work, params: Json) -> Json:
    charge = _charge_to_refund(work, params)
    left = charge["amount"] - charge["amount_refunded"]
    amount = params.get("amount", left)
    _check(work, charge, amount, left)
    refund = work.blank("refund", "re")
    refund |= {
        "amount": amount,
        "charge": charge["id"],
        "currency": charge["currency"],
        "payment_intent": charge["payment_intent"],
        "reason": params.get("reason"),
    }
    work.change(refund, {"metadata": params.get("metadata")})
    refund["status"] = _begin(work, refund, charge)
    if refund["status"] == "succeeded":
        _take_from_balance(work, refund)
    work.tell("refund.created", refund)
    refunded = charge["amount_refunded"] + amount
    is_all = refunded == charge["amount"]
    work.tell("charge.refunded", charge, amount_refunded=refunded, refunded=is_all)
    if work.fault == "refund_failed":
        settle_refund(work, refund, "failed")
    return refund


def _charge_to_refund(work: Work, params: Json) -> Json:
    if len({"charge", "payment_intent"} & set(params)) != 1:
        raise Refusal("Pass exactly one of: charge, payment_intent.")
    if "charge" in params:
        charge = work.find("charge", params["charge"], "charge")
    else:
        intent = work.find("payment_intent", params["payment_intent"], "payment_intent")
        if intent["status"] != "succeeded":
            raise refusal("charge_missing", id=intent["id"])
        charge = work.find("charge", intent["latest_charge"])
    if not charge["paid"]:
        raise refusal("charge_failed", id=charge["id"])
    return charge


def _check(work: Work, charge: Json, amount: int, left: int) -> None:
    if is_charged_back(work, charge):
        raise refusal("charge_disputed", id=charge["id"])
    if not left:
        raise refusal("charge_refunded", id=charge["id"])
    if amount > left:
        is_whole = left == charge["amount"]
        of_what = "charge amount" if is_whole else "unrefunded amount on charge"
        wanted, most = [shown(part, charge["currency"]) for part in (amount, left)]
        raise refusal("refund_too_large", amount=wanted, of_what=of_what, left=most)


def _begin(work: Work, refund: Json, charge: Json) -> str:
    """Its first status; what is to come of it stands in the refund itself."""
    if work.fault == "refund_pending":
        return "pending"
    method = work.find("payment_method", charge["payment_method"])
    refund["_will_be"] = card_of(method).refunds_end
    refund["_due"] = work.at + SETTLES_AFTER_SECONDS
    return "pending" if refund["_will_be"] == "succeeded" else "succeeded"


def settle_refund(work: Work, refund: Json, status: str) -> Json:
    """What was pending succeeds or fails; what has succeeded may still fail."""
    if refund["status"] not in ("pending", "succeeded") or refund["status"] == status:
        raise Conflict(f"This refund is {refund['status']}; it cannot be {status}.")
    refund |= {"_will_be": None, "status": status}
    if status == "succeeded":
        _take_from_balance(work, refund)
    else:
        _give_back(work, refund)
        work.tell("refund.failed", refund)
    work.tell("refund.updated", refund)
    work.emit("charge.refund.updated", refund)
    return refund


def _take_from_balance(work: Work, refund: Json) -> None:
    entry = add_to_balance(work, refund, "refund", -refund["amount"])
    refund["balance_transaction"] = entry["id"]


def _give_back(work: Work, refund: Json) -> None:
    refund["failure_reason"] = "expired_or_canceled_card"
    if refund["balance_transaction"]:
        entry = add_to_balance(work, refund, "refund_failure", refund["amount"])
        refund["failure_balance_transaction"] = entry["id"]
    charge = work.find("charge", refund["charge"])
    left = charge["amount_refunded"] - refund["amount"]
    work.change(charge, {"amount_refunded": left, "refunded": False})


def settle_due_refunds(work: Work) -> None:
    for status in ("succeeded", "failed"):
        for refund in reversed(work.select("refund", _will_be=status)):
            if refund["_due"] <= work.at:
                settle_refund(work, refund, status)


def cancel_refund(work: Work, _params: Json, name: str) -> Json:
    refund = work.find("refund", name)
    raise refusal("refund_not_cancelable", id=name, status=refund["status"])


ROUTES: Routes = {
    **reading("refund", URL),
    f"POST {URL}": create_refund,
    f"POST {URL}/{{id}}": updating("refund", "refund.updated"),
    f"POST {URL}/{{id}}/cancel": cancel_refund,
}

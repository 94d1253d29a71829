"""Charges, good and failed."""

from copy import deepcopy

from sandbox.stripe.balance import add_to_balance, charge_fee
from sandbox.stripe.cards import Decline
from sandbox.stripe.errors import Json
from sandbox.stripe.routes import Routes, reading, updating
from sandbox.stripe.work import SHAPES, Work

URL = "/v1/charges"
COPIED = ("amount", "currency", "customer", "description", "metadata", "receipt_email")


def make_charge(work: Work, intent: Json, method: Json) -> Json:
    charge = work.blank("charge", "ch")
    for key in COPIED:
        charge[key] = deepcopy(intent[key])
    charge["payment_intent"] = intent["id"]
    charge["payment_method"] = method["id"]
    charge["billing_details"] = deepcopy(method["billing_details"])
    _describe_card(charge, intent, method)
    return charge


def _describe_card(charge: Json, intent: Json, method: Json) -> None:
    card, details = method["card"], charge["payment_method_details"]["card"]
    details |= {key: deepcopy(card[key]) for key in details if key in card}
    details["network"] = card["brand"]
    details["amount_authorized"] = intent["amount"]
    details["overcapture"]["maximum_amount_capturable"] = intent["amount"]
    if intent.get("_was_authenticated"):
        details["three_d_secure"] = deepcopy(SHAPES["three_d_secure"])


def charge_paid(work: Work, intent: Json, method: Json) -> Json:
    charge = make_charge(work, intent, method)
    amount = charge["amount"]
    entry = add_to_balance(work, charge, "charge", amount, charge_fee(amount))
    return work.tell(
        "charge.succeeded",
        charge,
        amount_captured=amount,
        balance_transaction=entry["id"],
        captured=True,
        paid=True,
        receipt_url=f"{work.sandbox.public_url}/receipts/{charge['id']}",
        status="succeeded",
    )


def charge_failed(work: Work, intent: Json, method: Json, decline: Decline) -> Json:
    charge = make_charge(work, intent, method)
    charge["outcome"] |= {
        "advice_code": decline.advice,
        "network_status": "declined_by_network",
        "reason": decline.reason,
        "seller_message": "The bank did not approve this charge.",
        "type": "issuer_declined",
    }
    return work.tell(
        "charge.failed",
        charge,
        failure_code=decline.code,
        failure_message=decline.message,
    )


ROUTES: Routes = {
    **reading("charge", URL),
    f"POST {URL}/{{id}}": updating("charge", "charge.updated"),
}

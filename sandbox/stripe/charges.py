"""Charges, good and failed, and what a good one leaves on the balance.

The fee is 2.9 % and 30 of the currency's smallest unit, half-up.
"""

from copy import deepcopy

from sandbox.stripe.cards import Decline
from sandbox.stripe.errors import Json
from sandbox.stripe.params import merge_metadata
from sandbox.stripe.routes import Routes, getting, listing
from sandbox.stripe.work import SHAPES, Work

FEE_PER_MILLE = 29
FIXED_FEE = 30
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
    charge |= {
        "amount_captured": charge["amount"],
        "captured": True,
        "paid": True,
        "status": "succeeded",
        "receipt_url": f"{work.sandbox.public_url}/receipts/{charge['id']}",
    }
    charge["balance_transaction"] = _add_to_balance(work, charge)["id"]
    work.save(charge)
    work.emit("charge.succeeded", charge)
    return charge


def charge_failed(work: Work, intent: Json, method: Json, decline: Decline) -> Json:
    charge = make_charge(work, intent, method)
    charge["failure_code"] = decline.code
    charge["failure_message"] = decline.message
    charge["outcome"] |= {
        "advice_code": decline.advice,
        "network_status": "declined_by_network",
        "reason": decline.reason,
        "seller_message": "The bank did not approve this charge.",
        "type": "issuer_declined",
    }
    work.save(charge)
    work.emit("charge.failed", charge)
    return charge


def _add_to_balance(work: Work, charge: Json) -> Json:
    entry = work.blank("balance_transaction", "txn")
    fee = (charge["amount"] * FEE_PER_MILLE + 500) // 1000 + FIXED_FEE
    fee = min(fee, charge["amount"])
    entry |= {
        "amount": charge["amount"],
        "available_on": work.at,
        "currency": charge["currency"],
        "description": charge["description"],
        "fee": fee,
        "fee_details": [
            SHAPES["fee_detail"] | {"amount": fee, "currency": charge["currency"]}
        ],
        "net": charge["amount"] - fee,
        "source": charge["id"],
    }
    return work.save(entry)


def update_charge(work: Work, params: Json, name: str) -> Json:
    charge = work.find("charge", name)
    if "metadata" in params:
        params["metadata"] = merge_metadata(charge["metadata"], params["metadata"])
    if before := work.change(charge, params):
        work.emit("charge.updated", charge, before)
    return charge


ROUTES: Routes = {
    "GET /v1/charges": listing("charge", "/v1/charges"),
    "GET /v1/charges/{id}": getting("charge"),
    "POST /v1/charges/{id}": update_charge,
    "GET /v1/balance_transactions": listing(
        "balance_transaction", "/v1/balance_transactions"
    ),
    "GET /v1/balance_transactions/{id}": getting("balance_transaction"),
}

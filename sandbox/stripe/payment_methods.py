"""Payment methods: cards, made from a number or from a `pm_card_…` name."""

import time
from copy import deepcopy
from hashlib import sha256

from sandbox.stripe.cards import (
    GENERIC,
    NAMES,
    brand_of,
    card_of,
    check_details,
    refuse,
)
from sandbox.stripe.errors import Json, missing_resource, refusal
from sandbox.stripe.routes import Routes, listing, reading
from sandbox.stripe.work import Work

URL = "/v1/payment_methods"
WRITTEN = ("allow_redisplay", "metadata")


def create_payment_method(work: Work, params: Json) -> Json:
    card = params["card"]
    number = card["number"].replace(" ", "").replace("-", "")
    month, year = card["exp_month"], card["exp_year"]
    year += 2000 if year < 100 else 0
    check_details(number, (year, month), card.get("cvc", ""), time.gmtime(work.at)[:2])
    method = make_card(work, number, month, year)
    if "cvc" in card:
        method["card"]["checks"]["cvc_check"] = "pass"
    _write(work, method, params | {"card": {}})
    return method


def make_card(work: Work, number: str, month: int, year: int) -> Json:
    method = work.blank("payment_method", "pm")
    brand = brand_of(number)
    method["card"] |= {
        "brand": brand,
        "display_brand": "american_express" if brand == "amex" else brand,
        "exp_month": month,
        "exp_year": year,
        "fingerprint": sha256(number.encode()).hexdigest()[:16],
        "last4": number[-4:],
        "networks": {"available": [brand], "preferred": None},
    }
    return become(work, method, number)


def become(work: Work, method: Json, number: str) -> Json:
    """From now on the card behaves as that number does, whatever it looks like."""
    work.change(method, {"_number": number})
    return method


def payment_method_named(work: Work, name: str, param: str = "payment_method") -> Json:
    """A `pm_card_…` name makes a new card each time, as at Stripe."""
    if name in NAMES:
        return make_card(work, NAMES[name], 12, time.gmtime(work.at).tm_year + 1)
    method = work.find("payment_method", name, param)
    if method.get("_is_spent"):
        raise refusal("card_spent", param)
    return method


def check_owner(method: Json, customer: str | None, param: str) -> None:
    """A card that belongs to a customer serves that customer alone."""
    if method["customer"] and customer is None:
        owner = method["customer"]
        raise refusal("card_of_a_customer", param, id=method["id"], customer=owner)
    is_default = param != "payment_method"
    if method["customer"] != customer and (method["customer"] or is_default):
        raise refusal("card_of_another", param, id=method["id"])


def update_payment_method(work: Work, params: Json, name: str) -> Json:
    method = work.find("payment_method", name)
    if before := _write(work, method, params):
        work.emit("payment_method.updated", method, before)
    return method


def _write(work: Work, method: Json, params: Json) -> Json:
    """Returns what was there before."""
    details = deepcopy(method["billing_details"]) | params.get("billing_details", {})
    details["address"] = method["billing_details"]["address"] | (
        details["address"] or {}
    )
    card = method["card"] | params.get("card", {})
    written = {key: params[key] for key in WRITTEN if key in params}
    return work.change(method, written | {"billing_details": details, "card": card})


def attach_payment_method(work: Work, params: Json, name: str) -> Json:
    customer = work.find("customer", params["customer"], "customer")
    method = payment_method_named(work, name)
    if not card_of(method).attaches:
        raise refuse(card_of(method).decline or GENERIC)
    if method["customer"] not in (None, customer["id"]):
        raise refusal("card_attached_elsewhere")
    return attach(work, method, customer["id"])


def attach(work: Work, method: Json, customer: str) -> Json:
    if method["customer"] != customer:
        work.change(method, {"customer": customer})
        work.emit("payment_method.attached", method)
    return method


def detach_payment_method(work: Work, _params: Json, name: str) -> Json:
    method = work.find("payment_method", name)
    if method["customer"] is None:
        raise refusal("card_not_attached")
    customer = work.find("customer", method["customer"])
    settings = customer["invoice_settings"]
    if settings["default_payment_method"] == name:
        settings = settings | {"default_payment_method": None}
        before = work.change(customer, {"invoice_settings": settings})
        work.emit("customer.updated", customer, before)
    before = work.change(method, {"customer": None, "_is_spent": True})
    work.emit("payment_method.detached", method, before)
    return method


def list_for_customer(work: Work, params: Json, customer: str) -> Json:
    work.find("customer", customer)
    url = f"/v1/customers/{customer}/payment_methods"
    return listing("payment_method", url)(work, params | {"customer": customer})


def get_for_customer(work: Work, _params: Json, customer: str, name: str) -> Json:
    method = work.find("payment_method", name)
    if method["customer"] != customer:
        raise missing_resource("payment_method", name, "payment_method")
    return method


ROUTES: Routes = {
    **reading("payment_method", URL),
    f"POST {URL}": create_payment_method,
    f"POST {URL}/{{id}}": update_payment_method,
    f"POST {URL}/{{id}}/attach": attach_payment_method,
    f"POST {URL}/{{id}}/detach": detach_payment_method,
    "GET /v1/customers/{id}/payment_methods": list_for_customer,
    "GET /v1/customers/{id}/payment_methods/{id}": get_for_customer,
}

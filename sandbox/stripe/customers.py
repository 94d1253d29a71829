"""Customers, and the account they are customers of."""

from copy import deepcopy

from sandbox.stripe.errors import Json, missing_resource
from sandbox.stripe.payment_methods import attach_payment_method, check_owner
from sandbox.stripe.routes import Routes, reading
from sandbox.stripe.work import SHAPES, Work


def create_customer(work: Work, params: Json) -> Json:
    customer = work.blank("customer", "cus", 14)
    customer["invoice_prefix"] = work.sandbox.token(8).upper()
    work.save(customer)
    if name := params.pop("payment_method", None):
        method = attach_payment_method(work, {"customer": customer["id"]}, name)
        settings = params.get("invoice_settings", {})
        if settings.get("default_payment_method") == name:
            settings["default_payment_method"] = method["id"]
    work.change(customer, _changes(work, customer, params))
    work.emit("customer.created", customer)
    return customer


def update_customer(work: Work, params: Json, name: str) -> Json:
    customer = work.find("customer", name)
    if before := work.change(customer, _changes(work, customer, params)):
        work.emit("customer.updated", customer, before)
    return customer


def _changes(work: Work, customer: Json, given: Json) -> Json:
    if given.get("address"):
        blank = SHAPES["payment_method"]["billing_details"]["address"]
        given["address"] = blank | (customer["address"] or {}) | given["address"]
    if settings := given.get("invoice_settings"):
        if default := settings.get("default_payment_method"):
            param = "invoice_settings[default_payment_method]"
            method = work.find("payment_method", default, param)
            check_owner(method, customer["id"], param)
        given["invoice_settings"] = customer["invoice_settings"] | settings
    return given


def delete_customer(work: Work, _params: Json, name: str) -> Json:
    customer = work.find("customer", name)
    work.emit("customer.deleted", customer)
    for method in work.select("payment_method", customer=name):
        work.change(method, {"customer": None, "_is_spent": True})
    return work.save({"id": name, "object": "customer", "deleted": True})


def get_account(work: Work, _params: Json) -> Json:
    account: Json = deepcopy(SHAPES["account"])
    account["business_profile"]["name"] = work.sandbox.merchant
    account["settings"]["dashboard"]["display_name"] = work.sandbox.merchant
    return account


def get_account_by_id(work: Work, params: Json, name: str) -> Json:
    account = get_account(work, params)
    if name != account["id"]:
        raise missing_resource("account", name, "account")
    return account


ROUTES: Routes = {
    "GET /v1/account": get_account,
    "GET /v1/accounts/{id}": get_account_by_id,
    **reading("customer", "/v1/customers"),
    "POST /v1/customers": create_customer,
    "POST /v1/customers/{id}": update_customer,
    "DELETE /v1/customers/{id}": delete_customer,
}

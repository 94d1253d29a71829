"""A checkout session is opened, to pay or to set up a card.

A payment intent is made when the customer pays, not before, and carries what the
session said in `payment_intent_data`; a setup intent is there at once.
"""

from sandbox.stripe.currency import check_amount, known_currency
from sandbox.stripe.errors import Json, Refusal, refusal
from sandbox.stripe.intents import new_intent
from sandbox.stripe.work import SHAPES, Work

# What a session of this mode needs, what it may not have, and what it makes.
MODES = {
    "payment": ("line_items", ("setup_intent_data", "currency"), "payment_intent"),
    "setup": ("success_url", ("line_items", "payment_intent_data"), "setup_intent"),
}
SHORTEST_LIFE, LONGEST_LIFE = 30 * 60, 24 * 60 * 60
COPIED = (
    "cancel_url",
    "client_reference_id",
    "customer",
    "customer_email",
    "locale",
    "mode",
    "submit_type",
    "success_url",
    "ui_mode",
)


def create_session(work: Work, params: Json) -> Json:
    _check_mode(params)
    session = work.blank("checkout.session", "cs_test", 58)
    given = {key: params[key] for key in (*COPIED, "metadata") if key in params}
    work.change(session, given)
    session["expires_at"] = _expiry(work, params)
    session["url"] = f"{work.sandbox.public_url}/c/pay/{session['id']}"
    session["_intent_data"] = params.get(f"{intent_field(session)}_data", {})
    session["_method_data"] = params.get("payment_method_data", {})
    session["_customer_update"] = params.get("customer_update", {})
    if options := params.get("saved_payment_method_options"):
        blank = SHAPES["saved_payment_method_options"]
        session["saved_payment_method_options"] = blank | options
    _name_customer(work, session)
    if params["mode"] == "payment":
        _add_line_items(work, session, params["line_items"])
    else:
        _begin_set_up(work, session, params)
    return work.save(session)


def _check_mode(params: Json) -> None:
    mode = params["mode"]
    needed, refused, _ = MODES[mode]
    if needed not in params:
        raise refusal("parameter_missing", needed)
    for name in refused:
        if name in params:
            raise Refusal(f"You can not pass `{name}` in `{mode}` mode.", param=name)


def _begin_set_up(work: Work, session: Json, params: Json) -> None:
    if not {"currency", "payment_method_types"} & set(params):
        raise refusal("session_of_nothing")
    if "currency" in params:
        session["currency"] = known_currency(params["currency"])
    session |= {"_line_items": [], "payment_status": "no_payment_required"}
    intent_of(work, session)


def _expiry(work: Work, params: Json) -> int:
    at: int = params.get("expires_at", work.at + LONGEST_LIFE)
    # A minute's grace, since the caller's clock is not ours.
    if not SHORTEST_LIFE - 60 <= at - work.at <= LONGEST_LIFE + 60:
        raise refusal("session_too_long")
    return at


def _add_line_items(work: Work, session: Json, wanted: list[Json]) -> None:
    currencies = {known_currency(item["price_data"]["currency"]) for item in wanted}
    if len(currencies) != 1:
        raise refusal("session_of_currencies")
    session["currency"] = currencies.pop()
    items = [_line_item(work, item) for item in wanted]
    total = sum(item["amount_total"] for item in items)
    check_amount(total, session["currency"], "The Checkout Session's total amount due")
    session["_line_items"] = items
    session["amount_subtotal"] = session["amount_total"] = total


def _line_item(work: Work, wanted: Json) -> Json:
    item = work.blank("item", "li")
    del item["created"]
    price, product = wanted["price_data"], wanted["price_data"]["product_data"]
    amount = price["unit_amount"] * wanted["quantity"]
    currency = price["currency"].lower()
    item["price"] |= {
        "created": work.at,
        "currency": currency,
        "id": work.new_id("price"),
        "product": work.new_id("prod", 14),
        "tax_behavior": price.get("tax_behavior", "unspecified"),
        "unit_amount": price["unit_amount"],
        "unit_amount_decimal": str(price["unit_amount"]),
    }
    return item | {
        "amount_subtotal": amount,
        "amount_total": amount,
        "currency": currency,
        "description": product["name"],
        "quantity": wanted["quantity"],
        "_detail": product.get("description"),
    }


def _name_customer(work: Work, session: Json) -> None:
    if session["customer"] and session["customer_email"]:
        raise refusal("parameters_exclusive", names="customer, customer_email")
    if session["customer"]:
        customer = work.find("customer", session["customer"], "customer")
        name_payer(session, customer["email"], customer["name"])


def name_payer(session: Json, email: str | None, name: str | None) -> None:
    details: Json = dict.fromkeys(SHAPES["customer_details"])
    session["customer_details"] = details | {
        "email": email,
        "name": name,
        "tax_exempt": "none",
        "tax_ids": [],
    }


def intent_field(session: Json) -> str:
    """`payment_intent` or `setup_intent`, which is also the kind of what is there."""
    return MODES[session["mode"]][2]


def intent_of(work: Work, session: Json) -> Json:
    """The session's intent, made when it is first asked for."""
    kind = intent_field(session)
    if session[kind]:
        return work.find(kind, session[kind])
    data = session["_intent_data"] | {"payment_method_types": ["card"]}
    if kind == "payment_intent":
        data |= {"amount": session["amount_total"], "currency": session["currency"]}
    if session["customer"]:
        data["customer"] = session["customer"]
    intent = new_intent(work, kind, data, session["id"])
    work.change(session, {kind: intent["id"]})
    return intent

"""Invoices: items gather on a draft, which is finalised and then paid or voided.

Nothing advances by itself: whoever makes an invoice sets `auto_advance` to false. One
that is open has a page of its own, which leads to a checkout session for it.
"""

from copy import deepcopy

from sandbox.stripe.checkout_sessions import expire_session
from sandbox.stripe.currency import check_amount, known_currency
from sandbox.stripe.errors import CardRefusal, Json, refusal
from sandbox.stripe.intents import cancel, new_intent
from sandbox.stripe.invoice_payments import ROUTES as PAYMENT_ROUTES
from sandbox.stripe.open_session import create_session
from sandbox.stripe.pay import pay
from sandbox.stripe.payment_methods import payment_method_named
from sandbox.stripe.routes import Routes, reading
from sandbox.stripe.work import SHAPES, Work

URL, ITEMS = "/v1/invoices", "/v1/invoiceitems"
GIVEN = ("auto_advance", "description", "metadata")


def create_invoice(work: Work, params: Json) -> Json:
    customer = work.find("customer", params["customer"], "customer")
    invoice = work.blank("invoice", "in")
    work.change(invoice, {key: params[key] for key in GIVEN if key in params})
    invoice |= {
        "currency": known_currency(params["currency"]),
        "customer": customer["id"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "period_end": work.at,
        "period_start": work.at,
    }
    invoice["lines"]["url"] = f"{URL}/{invoice['id']}/lines"
    return work.tell("invoice.created", invoice)


def create_item(work: Work, params: Json) -> Json:
    work.find("customer", params["customer"], "customer")
    item = work.blank("invoiceitem", "ii")
    del item["created"]
    work.change(item, {"metadata": params.pop("metadata", {})})
    item |= params | {
        "currency": known_currency(params["currency"]),
        "date": work.at,
        "net_amount": params["amount"],
        "period": {"end": work.at, "start": work.at},
    }
    work.tell("invoiceitem.created", item)
    if name := params.get("invoice"):
        invoice = work.find("invoice", name, "invoice")
        if invoice["status"] != "draft":
            raise refusal("invoice_not_draft", status=invoice["status"])
        _add_line(work, invoice, item)
    return item


def _add_line(work: Work, invoice: Json, item: Json) -> None:
    line = deepcopy(SHAPES["line_item"])
    line |= {
        "amount": item["amount"],
        "currency": item["currency"],
        "description": item["description"],
        "id": work.new_id("il"),
        "invoice": invoice["id"],
        "metadata": item["metadata"],
        "period": item["period"],
        "subtotal": item["amount"],
    }
    line["parent"]["invoice_item_details"]["invoice_item"] = item["id"]
    invoice["lines"]["data"].append(line)
    total = sum(one["amount"] for one in invoice["lines"]["data"])
    invoice |= dict.fromkeys(
        ("subtotal", "subtotal_excluding_tax", "total", "total_excluding_tax"), total
    )
    invoice |= {"amount_due": max(total, 0), "amount_remaining": max(total, 0)}
    work.tell("invoice.updated", invoice)


def finalise_invoice(work: Work, _params: Json, name: str) -> Json:
    invoice = work.find("invoice", name)
    if invoice["status"] != "draft":
        raise refusal("invoice_not_draft", status=invoice["status"])
    if not invoice["lines"]["data"]:
        raise refusal("invoice_empty")
    customer = work.find("customer", invoice["customer"])
    count = len(work.select("invoice", customer=customer["id"]))
    invoice["status_transitions"]["finalized_at"] = work.at
    invoice |= {
        "effective_at": work.at,
        "hosted_invoice_url": f"{work.sandbox.public_url}/i/{name}",
        "number": f"{customer['invoice_prefix']}-{count:04d}",
    }
    return work.tell("invoice.finalized", invoice, status="open")


def pay_invoice(work: Work, params: Json, name: str) -> Json:
    invoice = open_one(work, name)
    customer = work.find("customer", invoice["customer"])
    default = customer["invoice_settings"]["default_payment_method"]
    if not (chosen := params.get("payment_method") or default):
        raise refusal("invoice_no_card")
    method = payment_method_named(work, chosen)
    check_amount(invoice["amount_due"], invoice["currency"])
    wanted = intent_data(invoice) | {"payment_method": method["id"]}
    intent = new_intent(work, "payment_intent", wanted)
    try:
        is_off_session = params.get("off_session", True)
        pay(work, intent, method, nobody_is_there=is_off_session)
    except CardRefusal:
        count = invoice["attempt_count"] + 1
        invoice |= {"attempt_count": count, "attempted": True}
        work.tell("invoice.payment_failed", invoice)
        # At Stripe one intent goes on; here each try has its own, and none lingers.
        cancel(work, intent, "void_invoice")
        raise
    return work.find("invoice", name)


def void_invoice(work: Work, _params: Json, name: str) -> Json:
    invoice = open_one(work, name)
    for session in work.select("checkout.session", _invoice=name, status="open"):
        expire_session(work, {}, session["id"])
    invoice["status_transitions"]["voided_at"] = work.at
    return work.tell("invoice.voided", invoice, status="void")


def open_one(work: Work, name: str) -> Json:
    invoice = work.find("invoice", name)
    if invoice["status"] == "paid":
        raise refusal("invoice_paid")
    if invoice["status"] != "open":
        raise refusal("invoice_not_open", status=invoice["status"])
    return invoice


def intent_data(invoice: Json) -> Json:
    """What an intent for the invoice is made of; it carries none of its metadata."""
    return {
        "amount": invoice["amount_due"],
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "payment_method_types": ["card"],
        "_invoice": invoice["id"],
    }


def session_for(work: Work, invoice: Json) -> Json:
    """The open checkout session that pays the invoice, made if there is none."""
    for session in work.select(
        "checkout.session", _invoice=invoice["id"], status="open"
    ):
        return session
    price = {
        "currency": invoice["currency"],
        "product_data": {"name": invoice["description"] or "Invoice"},
        "unit_amount": invoice["amount_due"],
    }
    page = invoice["hosted_invoice_url"]
    session = create_session(
        work,
        {
            "cancel_url": page,
            "customer": invoice["customer"],
            "line_items": [{"price_data": price, "quantity": 1}],
            "mode": "payment",
            "payment_intent_data": {"_invoice": invoice["id"]},
            "success_url": page,
        },
    )
    work.change(session, {"_invoice": invoice["id"]})
    return session


ROUTES: Routes = {
    **reading("invoiceitem", ITEMS),
    f"POST {ITEMS}": create_item,
    **reading("invoice", URL),
    f"POST {URL}": create_invoice,
    f"POST {URL}/{{id}}/finalize": finalise_invoice,
    f"POST {URL}/{{id}}/pay": pay_invoice,
    f"POST {URL}/{{id}}/void": void_invoice,
    **PAYMENT_ROUTES,
}

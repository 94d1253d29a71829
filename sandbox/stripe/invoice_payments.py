"""An invoice is paid when its payment intent is: called where an intent succeeds.

The intent belongs to the invoice by a field of the sandbox's own; outside, the two are
joined by an invoice payment, as at Stripe.
"""

from sandbox.stripe.errors import Json
from sandbox.stripe.lists import page_of
from sandbox.stripe.routes import Routes, getting
from sandbox.stripe.work import Work

KIND, URL = "invoice_payment", "/v1/invoice_payments"


def settle_invoice(work: Work, intent: Json) -> None:
    """The invoice that the intent paid, if it paid one, is paid."""
    if not (name := intent.get("_invoice")):
        return
    invoice = work.find("invoice", name)
    paid = work.blank(KIND, "inpay")
    paid |= {
        "amount_paid": intent["amount"],
        "amount_requested": intent["amount"],
        "currency": intent["currency"],
        "invoice": name,
        "payment": {"payment_intent": intent["id"], "type": "payment_intent"},
        "status": "paid",
        "status_transitions": {"canceled_at": None, "paid_at": work.at},
        "_intent": intent["id"],
    }
    work.save(paid)
    invoice["status_transitions"]["paid_at"] = work.at
    changes = {
        "amount_paid": intent["amount"],
        "amount_remaining": 0,
        "attempted": True,
    }
    invoice |= changes | {"attempt_count": invoice["attempt_count"] + 1}
    work.tell("invoice.paid", invoice, status="paid")
    work.emit("invoice.payment_succeeded", invoice)


def list_payments(work: Work, params: Json) -> Json:
    where = {"_intent": params.get("payment", {}).get("payment_intent")}
    where |= {"invoice": params.get("invoice")}
    given = {name: value for name, value in where.items() if value}
    return page_of(work.select(KIND, **given), params, URL)


ROUTES: Routes = {f"GET {URL}": list_payments, f"GET {URL}/{{id}}": getting(KIND)}

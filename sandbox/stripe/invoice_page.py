"""The page behind an invoice's `hosted_invoice_url`: leads to payment, if any."""

from sandbox.stripe.checkout_page import not_there
from sandbox.stripe.currency import shown
from sandbox.stripe.exchange import Answer, Request
from sandbox.stripe.invoices import session_for
from sandbox.stripe.render import message, redirect
from sandbox.stripe.words import language_of, say
from sandbox.stripe.work import Work

SENTENCES = {
    "paid": "This invoice is paid. You can close this page.",
    "void": "This invoice is void. There is nothing to pay.",
}


def answer_invoice(work: Work, request: Request, name: str) -> Answer:
    invoice = work.sandbox.store.get("invoice", name)
    if invoice is None or not invoice["hosted_invoice_url"]:
        return not_there(request)
    if invoice["status"] == "open":
        return redirect(f"/c/pay/{session_for(work, invoice)['id']}")
    language = language_of(None, request.headers)
    amount = shown(invoice["total"], invoice["currency"])
    title = say(language, "Invoice of $amount", amount=amount)
    return message(language, title, say(language, SENTENCES[invoice["status"]]))

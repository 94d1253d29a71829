"""The page behind a charge's `receipt_url`."""

import time

from sandbox.stripe.checkout_form import card_title
from sandbox.stripe.checkout_page import not_there
from sandbox.stripe.currency import shown
from sandbox.stripe.exchange import Answer, Request
from sandbox.stripe.render import message
from sandbox.stripe.words import language_of, say
from sandbox.stripe.work import Work


def answer_receipt(work: Work, request: Request, name: str) -> Answer:
    charge = work.sandbox.store.get("charge", name)
    if charge is None or not charge["paid"]:
        return not_there(request)
    language = language_of(None, request.headers)
    amount = shown(charge["amount"], charge["currency"])
    sentence = say(
        language,
        "Paid to $merchant with $card on $day.",
        merchant=work.sandbox.merchant,
        card=card_title(language, charge["payment_method_details"]["card"]),
        day=time.strftime("%Y-%m-%d", time.gmtime(charge["created"])),
    )
    return message(
        language, say(language, "Receipt for $amount", amount=amount), sentence
    )

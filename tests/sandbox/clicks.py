"""A person without JavaScript: gets pages, posts their forms, follows no redirect."""

from dataclasses import dataclass
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

import stripe

SUCCESS = "http://127.0.0.1:8000/paid/?session={CHECKOUT_SESSION_ID}"
CANCEL = "http://127.0.0.1:8000/credits/"
VISA = "4242 4242 4242 4242"


@dataclass(frozen=True)
class Page:
    status: int
    text: str
    location: str
    headers: dict[str, str]


def visit(url: str, form: dict[str, str] | None = None, language: str = "en") -> Page:
    parts = urlsplit(url)
    connection = HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    headers = {"Accept-Language": language}
    address = parts.path + (f"?{parts.query}" if parts.query else "")
    try:
        if form is None:
            connection.request("GET", address, headers=headers)
        else:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            connection.request("POST", address, urlencode(form), headers)
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    location = answer.getheader("Location") or ""
    if location.startswith("/"):
        location = f"{parts.scheme}://{parts.netloc}{location}"
    return Page(answer.status, text, location, dict(answer.getheaders()))


def card(number: str = VISA, **other: str) -> dict[str, str]:
    typed = {"number": number, "expiry": "12/34", "cvc": "123", "name": "Chen Yi-ting"}
    return typed | {"method": "new"} | other


def open_session(**other: object) -> stripe.checkout.Session:
    """A session for one credit of US$500.00, and what `other` says."""
    item = {
        "price_data": {
            "currency": "usd",
            "product_data": {"name": "Communications credits"},
            "unit_amount": 50_000,
        },
        "quantity": 1,
    }
    wanted = {
        "cancel_url": CANCEL,
        "line_items": [item],
        "mode": "payment",
        "success_url": SUCCESS,
    }
    return stripe.checkout.Session.create(**(wanted | other))  # type: ignore[arg-type]


def again(session: stripe.checkout.Session) -> stripe.checkout.Session:
    return stripe.checkout.Session.retrieve(session.id)


def paid_address(session: stripe.checkout.Session) -> str:
    return SUCCESS.replace("{CHECKOUT_SESSION_ID}", session.id)

"""The demo's credit: bought at the local Stripe, transferred, given."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

from accounts.models import Organisation, User
from billing.promotional import grant_promotional_credit
from billing.staff_payment import record_staff_payment
from billing.top_up import finish_top_up, start_top_up
from credits.money import MICROS_PER_UNIT, Micros

CARD = {"number": "4242424242424242", "expiry": "08 / 39", "cvc": "123", "name": "Chen"}


@dataclass(frozen=True)
class Credit:
    """An event in the life of Formosa's wallet, so many days ago."""

    days_ago: int
    kind: str
    units: int


CREDITS = (
    Credit(343, "card", 500),
    Credit(110, "promotional", 250),
    Credit(19, "card", 2_000),
    Credit(6, "transfer", 500),
)


def add_credit(
    credit: Credit,
    organisation: Organisation,
    *,
    owner: User,
    staff: User,
    at: datetime,
) -> None:
    """Once per event: each verb knows its token, key or bank reference again."""
    name = f"demo-{credit.kind}-{credit.days_ago}"
    amount = credit.units * MICROS_PER_UNIT
    if credit.kind == "card":
        _buy(organisation, amount, client_key=name, actor=owner, at=at)
    elif credit.kind == "promotional":
        grant_promotional_credit(
            organisation,
            amount,
            months=6,
            reason="Welcome credit for the second term.",
            actor=staff,
            token=name,
            at=at,
        )
    elif not organisation.staffpayment_set.filter(bank_reference=name).exists():
        record_staff_payment(
            organisation,
            amount,
            bank_reference=name,
            recorded_by=staff,
            note="Transfer seen on the statement.",
            at=at,
        )


def _buy(
    organisation: Organisation,
    amount: Micros,
    *,
    client_key: str,
    actor: User,
    at: datetime,
) -> None:
    """As on the page: order, pay at Stripe's, come back."""
    top_up = start_top_up(
        organisation,
        amount,
        client_key=client_key,
        actor=actor,
        language=organisation.language,
        at=at,
    )
    if top_up.is_open:
        pay_on_the_page(top_up.checkout_url)
    finish_top_up(top_up.pk, at=at + timedelta(minutes=2))


def pay_on_the_page(address: str) -> None:
    """Posts the card form, to pay or to save the card.

    The redirect back is not followed: the web is not up yet.
    """
    parts = urlsplit(address)
    page = HTTPConnection(parts.netloc, timeout=10)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    try:
        page.request("POST", parts.path, urlencode(CARD), headers)
        answer = page.getresponse().status
    finally:
        page.close()
    if answer not in (HTTPStatus.FOUND, HTTPStatus.SEE_OTHER):
        raise RuntimeError(f"The local Stripe answered {answer} to the card form.")

"""Every call to Stripe: 10 seconds, one retry, always a key of our own row.

A row is written first, Stripe is called second and outside any transaction, the row is
written third. Whatever has to be asked again is asked with the same key, so that no
answer that was lost can charge twice (rule 4.2).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import stripe
from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import override
from djstripe.models import Customer, PaymentIntent

from accounts.models import Language, Organisation
from billing.models import RechargeTry, TopUp
from billing.refusals import CardGone, PaymentsUnavailable
from billing.stripe_units import from_stripe_amount, to_stripe_amount
from credits.money import Micros

TOP_UP, ORGANISATION = "top_up", "organisation"  # our keys in Stripe's metadata
TRY = "try"
LOCALES = {Language.ENGLISH: "en", Language.TRADITIONAL_CHINESE: "zh-TW"}
# The outcome of these is unknown, or nothing happened: asking again is right.
TRANSIENT = (stripe.APIConnectionError, stripe.APIError, stripe.RateLimitError)


@dataclass(frozen=True)
class Payment:
    """What Stripe says about one PaymentIntent, in exact money."""

    id: str
    status: str
    received: Micros
    currency: str
    customer_id: str
    metadata: Mapping[str, str]
    failure_code: str
    seen: Any  # Stripe's object, for the mirror alone

    @property
    def is_paid(self) -> bool:
        return self.status == "succeeded"


@dataclass(frozen=True)
class Checkout:
    """What Stripe says about one Checkout session."""

    id: str
    url: str
    status: str
    payment_id: str
    metadata: Mapping[str, str]

    @property
    def is_expired(self) -> bool:
        return self.status == "expired"

    @property
    def is_complete(self) -> bool:
        return self.status == "complete"


def ensure_customer(organisation: Organisation) -> str:
    """The organisation's customer at Stripe, made the first time it buys."""
    known = Customer.objects.filter(
        subscriber=organisation, livemode=settings.STRIPE_LIVE_MODE
    ).first()
    if known is not None:
        return str(known.id)
    with calling_stripe():
        # dj-stripe keeps the key of this call in a row of its own.
        made, _new = Customer.get_or_create(
            subscriber=organisation, livemode=settings.STRIPE_LIVE_MODE
        )
        # The new row is empty until it is synced.
        Customer.sync_from_stripe_data(
            stripe.Customer.retrieve(made.id, **stripe_account())
        )
    return str(made.id)


def open_checkout(
    top_up: TopUp, *, customer_id: str, language: str, instead_of: str = ""
) -> Checkout:
    """Stripe's payment page for a top-up; asked again, it is the same page.

    `instead_of` names a page that has expired: the key is another then.
    """
    page = f"{settings.SITE_URL}{top_up.get_absolute_url()}"
    names = _names_of(top_up)
    key = top_up.reference
    with override(language):
        product = _("Communications credits")
    with calling_stripe():
        session = stripe.checkout.Session.create(
            **stripe_account(),
            idempotency_key=f"{key}:{instead_of}" if instead_of else key,
            mode="payment",
            customer=customer_id,
            client_reference_id=top_up.reference,
            metadata=names,
            payment_intent_data={"metadata": names, "description": product},
            # Cards saved for auto-recharge pay here too, if their owner likes.
            saved_payment_method_options={
                "allow_redisplay_filters": ["always", "limited", "unspecified"]
            },
            line_items=[
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": top_up.currency.lower(),
                        "unit_amount": to_stripe_amount(
                            top_up.total_micros, top_up.currency
                        ),
                        "product_data": {"name": product},
                    },
                }
            ],
            success_url=f"{page}?checkout=returned",
            cancel_url=f"{page}?checkout=cancelled",
            locale=LOCALES[Language(language)],
        )
    return _checkout(session)


def charge_off_session(one: RechargeTry) -> str:
    """Charges a saved card while its owner is away; the payment's id, however it went.

    Sent again with the key of the try, whatever happened meanwhile, it charges once.
    Every word of the request is of rows that do not change. Raises CardGone where
    Stripe has the card no more.
    """
    top_up, card = one.attempt.top_up, one.payment_method
    with calling_stripe():
        try:
            intent = stripe.PaymentIntent.create(
                **stripe_account(),
                idempotency_key=one.stripe_key,
                amount=to_stripe_amount(top_up.total_micros, top_up.currency),
                currency=top_up.currency.lower(),
                customer=top_up.stripe_customer_id,
                payment_method=card.stripe_payment_method_id,
                payment_method_types=["card"],
                off_session=True,
                confirm=True,
                description="Communications credits",
                metadata={**_names_of(top_up), TRY: one.stripe_key},
            )
        except stripe.IdempotencyError as error:
            raise PaymentsUnavailable from error  # the first request still runs
        except (stripe.CardError, stripe.InvalidRequestError) as refused:
            return _payment_refused(refused)
    return intent.id


def _payment_refused(refused: stripe.StripeError) -> str:
    """The payment a refusal is about; one without a payment is about the card."""
    said = refused.error
    if said is not None and said.payment_intent is not None:
        return _id_of(said.payment_intent)
    is_about_card = said is not None and said.param == "payment_method"
    if isinstance(refused, stripe.CardError) or is_about_card:
        raise CardGone from refused
    raise refused


def fetch_checkout(session_id: str) -> Checkout:
    with calling_stripe():
        return _checkout(
            stripe.checkout.Session.retrieve(session_id, **stripe_account())
        )


def expire_checkout(session_id: str) -> Checkout:
    """Closes a payment page; one that was paid or closed before stays as it is."""
    with calling_stripe():
        try:
            session = stripe.checkout.Session.expire(session_id, **stripe_account())
        except stripe.InvalidRequestError:
            session = stripe.checkout.Session.retrieve(session_id, **stripe_account())
    return _checkout(session)


def fetch_payment(payment_id: str) -> Payment:
    with calling_stripe():
        return _payment(stripe.PaymentIntent.retrieve(payment_id, **stripe_account()))


def find_payment(payment_id: str) -> Payment | None:
    """The payment, or None where Stripe knows none of this id."""
    try:
        return fetch_payment(payment_id)
    except stripe.InvalidRequestError as error:
        if error.code != "resource_missing":
            raise
        return None


def fetch_event(event_id: str) -> dict[str, Any]:
    """The event as its webhook carried it."""
    with calling_stripe():
        return stripe.Event.retrieve(event_id, **stripe_account()).to_dict()


def list_payments(customer_id: str, *, since: datetime) -> list[Payment]:
    """The customer's payments since a moment, newest first."""
    with calling_stripe():
        found = stripe.PaymentIntent.list(
            **stripe_account(),
            customer=customer_id,
            created={"gte": int(since.timestamp())},
            limit=100,
        )
        return [_payment(intent) for intent in found.auto_paging_iter()]


def page_of_payments(since: datetime, *, after: str, limit: int) -> list[Payment]:
    """Everybody's payments since a moment, newest first, from the one after `after`."""
    with calling_stripe():
        found = stripe.PaymentIntent.list(
            **stripe_account(), **page_after(since, after, limit)
        )
        return [_payment(intent) for intent in found.data]


def page_of_events(
    since: datetime, types: Sequence[str], *, after: str = "", limit: int
) -> list[dict[str, Any]]:
    """Events of these types, as their webhooks carried them; Stripe keeps a month."""
    with calling_stripe():
        found = stripe.Event.list(
            **stripe_account(), types=list(types), **page_after(since, after, limit)
        )
        return [event.to_dict() for event in found.data]


def page_after(since: datetime, after: str, limit: int) -> dict[str, Any]:
    """How Stripe is asked for one page of what was made since a moment."""
    wanted = {"created": {"gte": int(since.timestamp())}, "limit": limit}
    return wanted | ({"starting_after": after} if after else {})


def mirror_payment(payment: Payment) -> None:
    """Brings dj-stripe's copy up to date; nothing about money is read from it."""
    with calling_stripe():
        PaymentIntent.sync_from_stripe_data(payment.seen, api_key=_key())


@contextmanager
def calling_stripe() -> Iterator[None]:
    """Around a call: outside transactions, and one refusal for every outage."""
    blocks = connection.atomic_blocks
    # A test's own transaction is not one of ours.
    if not all(getattr(block, "_from_testcase", False) for block in blocks):
        raise AssertionError("Stripe is called outside any transaction.")
    try:
        yield
    except TRANSIENT as error:
        raise PaymentsUnavailable from error


def _names_of(top_up: TopUp) -> dict[str, str]:
    return {TOP_UP: str(top_up.pk), ORGANISATION: str(top_up.organisation_id)}


def _key() -> str:
    live, test = "STRIPE_LIVE_SECRET_KEY", "STRIPE_TEST_SECRET_KEY"
    return str(getattr(settings, live if settings.STRIPE_LIVE_MODE else test))


def stripe_account() -> dict[str, Any]:
    return {"api_key": _key(), "stripe_version": settings.STRIPE_API_VERSION}


def _checkout(session: stripe.checkout.Session) -> Checkout:
    return Checkout(
        id=session.id,
        url=session.url or "",
        status=session.status or "",
        payment_id=_id_of(session.payment_intent),
        metadata=session.metadata.to_dict() if session.metadata else {},
    )


def _payment(intent: stripe.PaymentIntent) -> Payment:
    currency = intent.currency.upper()
    error = intent.last_payment_error
    return Payment(
        id=intent.id,
        status=intent.status,
        received=from_stripe_amount(intent.amount_received, currency),
        currency=currency,
        customer_id=_id_of(intent.customer),
        metadata=intent.metadata.to_dict(),
        # Stripe leaves the decline code out where the code says it all.
        failure_code=getattr(error, "decline_code", None)
        or getattr(error, "code", "")
        or "",
        seen=intent,
    )


def _id_of(thing: Any) -> str:
    """Stripe names a thing by its id or gives the whole of it."""
    return thing if isinstance(thing, str) else getattr(thing, "id", "")

"""Stripe's side of saving a card: its page, what came of it, and letting a card go.

Card numbers are typed at Stripe's page and never reach us. As everywhere, the key of
each call that does something is of our own row (rule 4.2).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import stripe
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.models import Language
from billing.gateway import LOCALES, ORGANISATION, calling_stripe, stripe_account
from billing.models import CardSetup

CARD_SETUP = "card_setup"  # our key in Stripe's metadata


@dataclass(frozen=True)
class SetupPage:
    """Stripe's page on which a card is typed."""

    id: str
    url: str


@dataclass(frozen=True)
class SetupOutcome:
    """How a visit to that page stands; `card_id` once a card was saved."""

    is_saved: bool
    is_expired: bool
    is_reusable: bool
    card_id: str
    customer_id: str
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class CardFacts:
    """What Stripe shows of a card."""

    id: str
    brand: str
    last_four: str
    expiry_year: int
    expiry_month: int
    fingerprint: str


def open_card_setup(setup: CardSetup, *, customer_id: str, language: str) -> SetupPage:
    """Stripe's page for saving a card; asked again, it is the same page."""
    page = f"{settings.SITE_URL}{setup.get_absolute_url()}"
    names = {CARD_SETUP: str(setup.pk), ORGANISATION: str(setup.organisation_id)}
    with override(language):
        purpose = _("Card for communications credits")
    with calling_stripe():
        session = stripe.checkout.Session.create(
            **stripe_account(),
            idempotency_key=setup.reference,
            mode="setup",
            customer=customer_id,
            client_reference_id=setup.reference,
            metadata=names,
            payment_method_types=["card"],
            setup_intent_data={"metadata": names, "description": purpose},
            success_url=f"{page}?checkout=returned",
            cancel_url=f"{page}?checkout=cancelled",
            locale=LOCALES[Language(language)],
        )
    return SetupPage(session.id, session.url or "")


def fetch_setup(session_id: str) -> SetupOutcome:
    """The page as it stands, and the set-up behind it."""
    with calling_stripe():
        session = stripe.checkout.Session.retrieve(session_id, **stripe_account())
        intent = stripe.SetupIntent.retrieve(
            _id_of(session.setup_intent), **stripe_account()
        )
    return SetupOutcome(
        is_saved=intent.status == "succeeded",
        is_expired=session.status == "expired",
        is_reusable=intent.usage == "off_session",
        card_id=_id_of(intent.payment_method),
        customer_id=_id_of(intent.customer),
        metadata=intent.metadata.to_dict() if intent.metadata else {},
    )


def fetch_setup_names(setup_intent_id: str) -> Mapping[str, str]:
    """What a set-up says it belongs to."""
    with calling_stripe():
        intent = stripe.SetupIntent.retrieve(setup_intent_id, **stripe_account())
    return intent.metadata.to_dict() if intent.metadata else {}


def fetch_payment_method(payment_method_id: str) -> CardFacts:
    with calling_stripe():
        found = stripe.PaymentMethod.retrieve(payment_method_id, **stripe_account())
    card = found.card
    if card is None:
        raise AssertionError(f"{payment_method_id} is no card; only cards are asked.")
    return CardFacts(
        id=found.id,
        brand=card.brand,
        last_four=card.last4 or "",
        expiry_year=card.exp_year,
        expiry_month=card.exp_month,
        fingerprint=card.fingerprint or "",
    )


def detach_payment_method(payment_method_id: str) -> None:
    """Nobody can charge the card afterwards; one that is gone already is fine."""
    with calling_stripe():
        try:
            stripe.PaymentMethod.detach(
                payment_method_id,
                **stripe_account(),
                idempotency_key=f"detach:{payment_method_id}",
            )
        except stripe.InvalidRequestError:
            found = stripe.PaymentMethod.retrieve(payment_method_id, **stripe_account())
            if found.customer is not None:
                raise


def _id_of(thing: object) -> str:
    return thing if isinstance(thing, str) else str(getattr(thing, "id", ""))

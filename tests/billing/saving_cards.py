"""A customer who saves cards at the sandbox's page, as on ours."""

from datetime import datetime
from itertools import count

from django.utils import timezone

from accounts.models import Organisation
from billing.cards.card_setup import finish_card_setup, start_card_setup
from billing.models import CardSetup, PaymentMethod
from tests.sandbox.clicks import VISA, card, visit

MASTERCARD = "5555 5555 5555 4444"
_keys = count(1)


def start(
    organisation: Organisation,
    *,
    key: str = "",
    becomes_default: bool = False,
    at: datetime | None = None,
) -> CardSetup:
    return start_card_setup(
        organisation,
        client_key=key or f"form:card-{next(_keys)}",
        actor=organisation.memberships.get(role="owner").user,
        language="en",
        at=at or timezone.now(),
        becomes_default=becomes_default,
    )


def save_card(
    organisation: Organisation,
    number: str = VISA,
    *,
    becomes_default: bool = False,
    **typed: str,
) -> PaymentMethod:
    """From the first click to the row; `typed` is what the page is given."""
    setup = start(organisation, becomes_default=becomes_default)
    visit(setup.checkout_url, card(number, **typed))
    done = finish_card_setup(setup.pk, at=timezone.now())
    assert done.payment_method is not None
    return done.payment_method

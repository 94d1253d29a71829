"""A switch, a price list and a Stripe, as the tests of calls and sales have them."""

from tests.calling.conftest import card, mei, nothing_remembered, pbx
from tests.stripe_sandbox import stripe_process, stripe_sandbox

__all__ = [
    "card",
    "mei",
    "nothing_remembered",
    "pbx",
    "stripe_process",
    "stripe_sandbox",
]

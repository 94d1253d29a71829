"""The cast of calls and of payments; a story brings what differs."""

from tests.billing.conftest import buyer, recharger, stripe_process, stripe_sandbox
from tests.calling.conftest import card, mei, pbx

__all__ = [
    "buyer",
    "card",
    "mei",
    "pbx",
    "recharger",
    "stripe_process",
    "stripe_sandbox",
]

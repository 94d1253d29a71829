"""A phone, a switch and a price list beside the sandbox's Stripe."""

from tests.calling.conftest import card, mei, pbx

__all__ = ["card", "mei", "pbx"]

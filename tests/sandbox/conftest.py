"""The sandbox Stripe, and someone who takes its webhooks."""

from tests.sandbox.receiver import receiver
from tests.stripe_sandbox import stripe_process, stripe_sandbox

__all__ = ["receiver", "stripe_process", "stripe_sandbox"]

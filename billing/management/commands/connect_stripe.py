"""Asks Stripe to send its events to this installation; safe to run again."""

from argparse import ArgumentParser
from typing import Any

import stripe
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from billing.bootstrap_webhook import bootstrap_webhook
from billing.refusals import PaymentsUnavailable


class Command(BaseCommand):
    help = "Makes the webhook endpoint at Stripe and keeps its secret."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--base-url", help="this site's address, if not SITE_URL")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            endpoint = bootstrap_webhook(options["base_url"] or settings.SITE_URL)
        except (PaymentsUnavailable, stripe.StripeError) as error:
            raise CommandError(f"Stripe refused: {error}") from None
        self.stdout.write(f"Stripe sends its events to {endpoint.url}")

from django.apps import AppConfig
from django.core.checks.registry import registry

STRIPE_SECONDS = 10  # the library would wait 80


class BillingConfig(AppConfig):
    name = "billing"

    def ready(self) -> None:
        # Imported here: dj-stripe's checks read settings that stand by now.
        import stripe
        from djstripe.checks import check_webhook_event_callback_accepts_api_key

        from billing.reconciling.replays import offer_replays

        offer_replays()
        stripe.default_http_client = stripe.RequestsClient(timeout=STRIPE_SECONDS)
        # It warns that the callback is deprecated, without an id that settings could
        # silence. Why we keep it: docs/decisions/0006-dj-stripe-is-a-mirror.md.
        registry.registered_checks.discard(check_webhook_event_callback_accepts_api_key)

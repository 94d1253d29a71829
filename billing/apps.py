from django.apps import AppConfig
from django.core.checks.registry import registry


class BillingConfig(AppConfig):
    name = "billing"

    def ready(self) -> None:
        # dj-stripe calls its webhook callback deprecated; the signals it offers instead
        # fetch from Stripe inside a transaction, which we never do. The warning has no
        # id that settings could silence, so the check goes. Look again at each upgrade.
        from djstripe import checks

        registry.registered_checks.discard(
            checks.check_webhook_event_callback_accepts_api_key
        )

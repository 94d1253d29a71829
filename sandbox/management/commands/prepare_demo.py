"""Makes the demo's database ready: schema, timetable, the past, Stripe's webhook."""

from time import monotonic
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.utils import timezone

from billing.bootstrap_webhook import bootstrap_webhook
from sandbox.seed import new_switch_key, seed

SWITCH_KEY = "switch-key"  # a file of the demo's folder


class Command(BaseCommand):
    help = "Migrates and fills the demo's database; may be run again at any time."

    def handle(self, *args: Any, **options: Any) -> None:
        self._step("database", call_command, "migrate", verbosity=0)
        self._step("timetable", call_command, "sync_schedule", verbosity=0)
        at = timezone.now()
        source = self._step("organisations, credit and calls", seed, at)
        secret = new_switch_key(source, at=at)
        key_file = settings.DEMO_FOLDER / SWITCH_KEY
        key_file.touch(mode=0o600)
        key_file.write_text(secret)
        self._step("Stripe's webhook", bootstrap_webhook, settings.SITE_URL)

    def _step(self, what: str, do: Any, *args: Any, **more: Any) -> Any:
        began = monotonic()
        done = do(*args, **more)
        self.stdout.write(f"{what}: {monotonic() - began:.1f} s")
        return done

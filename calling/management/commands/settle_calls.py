"""manage.py settle_calls: replays the call records that wait."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from calling.part_sums import sum_parts
from calling.replay import settle_waiting
from credits.money import amount_text


class Command(BaseCommand):
    help = "Settles the waiting call records that can be settled now."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        settled = settle_waiting(at=timezone.now())
        sums = sum_parts(settled)
        parts = {
            part: {code: amount_text(micros) for code, micros in by_currency.items()}
            for part, by_currency in sums.items()
        }
        if options["json"]:
            self.stdout.write(json.dumps({"calls": len(settled), **parts}))
            return
        self.stdout.write(f"{len(settled)} calls settled")
        for part, by_currency in parts.items():
            told = ", ".join(f"{code} {text}" for code, text in by_currency.items())
            self.stdout.write(f"{part}: {told or '-'}")

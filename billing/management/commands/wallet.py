"""Shows what an organisation has: balance, debt, holds and lots."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import Organisation
from credits.models import Lot
from credits.money import amount_text
from credits.statement import list_lots, read_balance


class Command(BaseCommand):
    help = "Shows an organisation's balance, available balance, debt, holds and lots."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("organisation", help="its short name")
        parser.add_argument("--json", action="store_true", help="one object on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        organisation = Organisation.objects.filter(slug=options["organisation"]).first()
        if organisation is None:
            raise CommandError(
                f"There is no organisation {options['organisation']}.", returncode=2
            )
        shown = _shown(organisation)
        if options["json"]:
            self.stdout.write(json.dumps(shown))
            return
        for name, value in shown.items():
            if name != "lots":
                self.stdout.write(f"{name:<13} {value}")
        for lot in shown["lots"]:
            self.stdout.write(
                f"{lot['kind']:<13} {lot['remaining']} of {lot['original']}, "
                f"expires {lot['expires_at']}"
            )


def _shown(organisation: Organisation) -> dict[str, Any]:
    at = timezone.now()
    found = read_balance(organisation.pk, at)
    return {
        "organisation": organisation.slug,
        "billing_mode": organisation.billing_mode,
        "currency": found.currency,
        "balance": amount_text(found.balance),
        "available": amount_text(found.available),
        "debt": amount_text(found.debt),
        "held": amount_text(found.reserved),
        "lots": [_lot(lot) for lot in list_lots(organisation.pk, at)],
    }


def _lot(lot: Lot) -> dict[str, str]:
    return {
        "kind": lot.kind,
        "original": amount_text(lot.original),
        "remaining": amount_text(lot.remaining),
        "issued_at": lot.issued_at.isoformat(),
        "expires_at": lot.expires_at.isoformat(),
    }

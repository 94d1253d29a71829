"""manage.py quote --from N --to N --seconds S: what a call would cost, and whom."""

import argparse
import json
import sys
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from accounts.models import Organisation
from calling.classify import LONGEST_CALL
from calling.management.commands.import_rates import moment
from calling.models import CallKind
from calling.quote import NotRated, Quote, quote
from credits.money import amount_text


class Command(BaseCommand):
    help = "Quotes a call with the functions that would charge it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from", dest="caller", required=True, metavar="NUMBER")
        parser.add_argument("--to", dest="callee", required=True, metavar="NUMBER")
        parser.add_argument("--seconds", required=True, type=whole_seconds)
        parser.add_argument("--kind", choices=CallKind.values, default="")
        parser.add_argument("--organisation", metavar="SLUG")
        parser.add_argument("--at", type=moment, help="when it starts; default now")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        organisation = None
        if options["organisation"]:
            slug = options["organisation"]
            organisation = Organisation.objects.filter(slug=slug).first()
            if organisation is None:
                self._refuse(f"There is no organisation {slug}.")
        try:
            found = quote(
                caller=options["caller"],
                callee=options["callee"],
                seconds=options["seconds"],
                at=options["at"] or timezone.now(),
                kind=options["kind"],
                organisation=organisation,
            )
        except NotRated as problem:
            self._refuse(str(problem))
        facts = as_json(found)
        if options["json"]:
            self.stdout.write(json.dumps(facts))
        else:
            self._tell(facts)

    def _tell(self, facts: dict[str, Any]) -> None:
        for name, value in facts.items():
            if name != "paid_by":
                self.stdout.write(f"{name}: {value}")
        for part in facts["paid_by"]:
            self.stdout.write("paid by {source}: {seconds} s, {amount}".format(**part))

    def _refuse(self, sentence: str) -> NoReturn:
        self.stderr.write(sentence)
        sys.exit(2)


def as_json(found: Quote) -> dict[str, Any]:
    rate = found.rate
    return {
        "prefix": rate.prefix if rate else "",
        "destination": rate.destination if rate else "",
        "country": rate.country if rate else "",
        "number_type": rate.number_type if rate else "",
        "kind": found.kind,
        "rate_per_minute": amount_text(rate.rate_per_minute if rate else 0),
        "connect_fee": amount_text(rate.connect_fee if rate else 0),
        "interval_1": rate.interval_1 if rate else 0,
        "interval_n": rate.interval_n if rate else 0,
        "billed_seconds": found.billed_seconds,
        "cost": amount_text(found.cost),
        "currency": found.currency,
        "paid_by": [
            {
                "source": part.source,
                "seconds": part.seconds,
                "amount": amount_text(part.amount),
            }
            for part in found.paid_by
        ],
    }


def whole_seconds(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text[:9]) > LONGEST_CALL:
        raise argparse.ArgumentTypeError(
            f"{text} is not a number of seconds from 0 to {LONGEST_CALL}."
        )
    return int(text)

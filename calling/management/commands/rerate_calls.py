"""manage.py rerate_calls --card NAME --from ISO --to ISO: prices calls again."""

import json
import sys
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from accounts.audit import record_audit
from accounts.models import Organisation
from calling.management.commands.import_rates import moment
from calling.models import RateCard
from calling.rerate import Rerating, Span, facts_of, rerate_calls
from credits.money import amount_text


class Command(BaseCommand):
    help = "Prices settled calls again; each that changes gets a new revision."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--card", required=True, help="the rate card's name")
        parser.add_argument("--from", dest="since", required=True, type=moment)
        parser.add_argument("--to", dest="until", required=True, type=moment)
        parser.add_argument("--organisation", metavar="SLUG")
        parser.add_argument("--reason", default="", help="for the audit trail")
        parser.add_argument("--dry-run", action="store_true", help="only report")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        span = self._span(options)
        at, dry_run = timezone.now(), options["dry_run"]
        result = rerate_calls(span, at=at, dry_run=dry_run)
        if not dry_run:
            record_audit(
                "rerate_calls",
                at=at,
                organisation=span.organisation,
                object=f"rate-card:{span.card.pk}",
                reason=options["reason"],
                after=facts_of(result, span),
            )
        told = {**facts_of(result, span), "dry_run": dry_run}
        if options["json"]:
            told["changes"] = [_change(one) for one in result.changed]
            self.stdout.write(json.dumps(told))
            return
        self._print(result, span, dry_run=dry_run)

    def _span(self, options: dict[str, Any]) -> Span:
        card = RateCard.objects.filter(name=options["card"]).first()
        if card is None:
            self._refuse(f"There is no rate card {options['card']}.")
        if options["until"] <= options["since"]:
            self._refuse("--to is not after --from.")
        organisation = None
        if slug := options["organisation"]:
            organisation = Organisation.objects.filter(slug=slug).first()
            if organisation is None:
                self._refuse(f"There is no organisation {slug}.")
        return Span(card, options["since"], options["until"], organisation)

    def _refuse(self, sentence: str) -> NoReturn:
        self.stderr.write(sentence)
        sys.exit(2)

    def _print(self, result: Rerating, span: Span, *, dry_run: bool) -> None:
        for one in result.changed:
            before, after = amount_text(one.before), amount_text(one.after)
            self.stdout.write(
                f"call:{one.call_id} {one.callee} {before} → {after} {one.currency}"
            )
        for call_id, reason in result.not_rated:
            self.stderr.write(f"call:{call_id} is left as it is: {reason}")
        does = "would change" if dry_run else "changed"
        difference = amount_text(result.after - result.before)
        self.stdout.write(
            f"{len(result.changed)} of {result.calls} calls {does}, "
            f"by {difference} {span.card.currency} in all"
        )


def _change(one: Any) -> dict[str, Any]:
    return {
        "call": one.call_id,
        "prefix": one.prefix,
        "before": amount_text(one.before),
        "after": amount_text(one.after),
        "revision": one.revision,
    }

"""Proves every invariant of the books, from one consistent snapshot.

Exits 1 if anything is wrong. What is merely late, because a sweep has not run, is a
warning. Changes nothing and calls nobody.
"""

import json
import sys
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.module_loading import import_string, module_has_submodule

from accounts.models import Organisation
from billing.snapshot import one_snapshot
from credits.prove import Proof


class Command(BaseCommand):
    help = "Proves every invariant of the books; exits 1 with a list of breaches."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one object on stdout")
        parser.add_argument("--at", help="judge by this moment (ISO), not by now")
        parser.add_argument("--organisation", help="only this one (its short name)")

    def handle(self, *args: Any, **options: Any) -> None:
        at = _moment(options["at"])
        with one_snapshot():
            proof = _prove_all(_organisation(options["organisation"]), at)
        if options["json"]:
            found = {
                "checked": proof.checked,
                "breaches": proof.breaches,
                "late": proof.late,
            }
            self.stdout.write(json.dumps(found))
        else:
            self._tell(proof)
        if proof.breaches:
            sys.exit(1)

    def _tell(self, proof: Proof) -> None:
        for breach in proof.breaches:
            self.stderr.write(self.style.ERROR(f"breach: {breach}"))
        for late in proof.late:
            self.stderr.write(self.style.WARNING(f"late: {late}"))
        verdict = f"{len(proof.breaches)} breaches" if proof.breaches else "all holds"
        self.stdout.write(f"{proof.checked} rows checked, {verdict}.")


def _prove_all(organisation_id: int | None, at: datetime) -> Proof:
    """Every app that has a `prove.py` is asked, the lowest first."""
    proof = Proof()
    for app in apps.get_app_configs():
        if app.module and module_has_submodule(app.module, "prove"):
            proof.add(import_string(f"{app.name}.prove.prove")(organisation_id, at=at))
    return proof


def _moment(text: str | None) -> datetime:
    if text is None:
        return timezone.now()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(
            f"--at {text}: not a moment; write 2026-11-24T08:00:00Z.", returncode=2
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _organisation(slug: str | None) -> int | None:
    if slug is None:
        return None
    found = Organisation.objects.filter(slug=slug).values_list("pk", flat=True).first()
    if found is None:
        raise CommandError(f"There is no organisation {slug}.", returncode=2)
    return found

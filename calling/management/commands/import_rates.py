"""manage.py import_rates FILE --card NAME --currency USD: a rate deck in."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from calling.decks.record import BadDeck
from calling.decks.registry import PROFILES
from calling.decks.zip_of_sheets import zip_folder
from calling.import_rates import ImportedRates, import_rates
from calling.models import Purpose

LARGEST_FILE = 200_000_000


class Command(BaseCommand):
    help = "Imports a rate deck as a new version of a card."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="a folder, too, for cgrates")
        parser.add_argument("--card", required=True, help="the card's name")
        parser.add_argument("--currency", required=True, type=str.upper)
        parser.add_argument("--profile", choices=sorted(PROFILES), default="tollgate")
        parser.add_argument(
            "--purpose", choices=Purpose.values, default=Purpose.CALLING.value
        )
        parser.add_argument(
            "--valid-from",
            type=moment,
            help="when it comes into force, in UTC unless it names a zone; default now",
        )
        parser.add_argument("--dry-run", action="store_true", help="only say what")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            result = import_rates(
                read_file(path),
                card_name=options["card"],
                currency=options["currency"],
                purpose=options["purpose"],
                profile=options["profile"],
                valid_from=options["valid_from"],
                origin=path.name,
                at=timezone.now(),
                dry_run=options["dry_run"],
            )
        except (BadDeck, ValidationError, OSError) as problem:
            self.stderr.write(f"{path}: {sentence_of(problem)}")
            sys.exit(2)
        self._report(result, path, as_json=options["json"])

    def _report(self, result: ImportedRates, path: Path, *, as_json: bool) -> None:
        counts = {
            "card": result.card,
            "version": result.version,
            "new": result.new,
            "changed": result.changed,
            "removed": result.removed,
        }
        if as_json:
            rejected = [
                {"line": row.line, "reason": row.reason} for row in result.rejected
            ]
            self.stdout.write(json.dumps({**counts, "rejected": rejected}))
        else:
            self.stdout.write(
                "{card}, version {version}: {new} new, {changed} changed,"
                " {removed} removed".format(**counts)
                + f", {len(result.rejected)} rejected."
            )
        for row in result.rejected:
            self.stderr.write(f"{path}:{row.line}: {row.reason}")
        if result.rejected:
            sys.exit(2)


def read_file(path: Path) -> bytes:
    if path.is_dir():
        return zip_folder(path)
    if path.stat().st_size > LARGEST_FILE:
        raise BadDeck(f"The file is larger than {LARGEST_FILE:,} bytes.")
    return path.read_bytes()


def sentence_of(problem: Exception) -> str:
    """What is wrong, without the traces of where it was found."""
    if isinstance(problem, ValidationError):
        return " ".join(problem.messages)
    if isinstance(problem, OSError):
        return f"The file cannot be read: {problem.strerror}."
    return str(problem)


def moment(text: str) -> datetime:
    """A date or time as ISO writes it; UTC where it names no zone."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)

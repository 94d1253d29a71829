"""manage.py import_rates FILE --card NAME --currency USD: a rate deck in."""

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction
from django.utils import timezone

from accounts.models import Organisation
from accounts.refusals import TollgateError
from calling.decks.record import BadDeck, Hints
from calling.decks.registry import PROFILES
from calling.decks.zip_of_sheets import zip_folder
from calling.import_rates import Deck, ImportedRates, find_card, import_rates
from calling.models import DeckMapping, DeckMode, Purpose
from calling.preview_rates import Preview, preview_deck
from calling.progress_bar import bar_on
from calling.tell_preview import preview_as_json, preview_as_lines

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
        parser.add_argument(
            "--changes-only",
            action="store_true",
            help="what is not in the file stays; else the whole card is replaced",
        )
        parser.add_argument(
            "--organisation", metavar="SLUG", help="a new card is this one's own"
        )
        parser.add_argument(
            "--supplier", metavar="NAME", help="read as this supplier's decks are kept"
        )
        parser.add_argument(
            "--plan", default="", help="which one, if there are several"
        )
        parser.add_argument("--dry-run", action="store_true", help="only say what")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            self._run(path, options)
        except KeyboardInterrupt:
            self.stderr.write("\nInterrupted. Nothing was imported; run it again.")
            sys.exit(130)
        except (BadDeck, TollgateError, ValidationError, OSError) as problem:
            self.stderr.write(f"{path}: {sentence_of(problem)}")
            sys.exit(2)

    def _run(self, path: Path, options: dict[str, Any]) -> None:
        at = timezone.now()
        deck = deck_of(path, options)
        organisation = organisation_of(options["organisation"])
        valid_from = options["valid_from"]
        if options["dry_run"]:
            named = (options["card"], options["currency"], options["purpose"])
            with transaction.atomic():
                card = find_card(*named, organisation=organisation, make=False)
            preview = preview_deck(deck, card, valid_from=valid_from, at=at)
            self._report(preview.counts, path, options, preview)
            return
        result = import_rates(
            deck.raw,
            card_name=options["card"],
            currency=options["currency"],
            purpose=options["purpose"],
            organisation=organisation,
            profile=deck.profile,
            hints=deck.hints,
            mode=deck.mode,
            origin=deck.origin,
            tell=deck.tell,
            valid_from=valid_from,
            at=at,
        )
        self._report(result, path, options)

    def _report(
        self,
        result: ImportedRates,
        path: Path,
        options: dict[str, Any],
        preview: Preview | None = None,
    ) -> None:
        counts: dict[str, Any] = {
            "card": result.card,
            "version": result.version,
            "new": result.new,
            "changed": result.changed,
            "removed": result.removed,
        }
        if options["json"]:
            rejected = [
                {"line": row.line, "reason": row.reason} for row in result.rejected
            ]
            counts |= {"rejected": rejected, "rejected_beyond": result.rejected.more}
            counts |= preview_as_json(preview) if preview else {}
            self.stdout.write(json.dumps(counts))
        else:
            self.stdout.write(
                "{card}, version {version}: {new} new, {changed} changed,"
                " {removed} removed".format(**counts)
                + f", {result.rejected.total} rejected."
            )
            for line in preview_as_lines(preview) if preview else ():
                self.stdout.write(line)
        for row in result.rejected:
            self.stderr.write(f"{path}:{row.line}: {row.reason}")
        if result.rejected.more:
            self.stderr.write(
                f"{path}: {result.rejected.more:,} more rows are no rates."
            )
        if result.rejected:
            sys.exit(2)


def deck_of(path: Path, options: dict[str, Any]) -> Deck:
    """The file, read as its profile or as its supplier's decks are."""
    profile, hints = options["profile"], Hints()
    if name := options["supplier"]:
        mapping = DeckMapping.objects.filter(name=name).first()
        if mapping is None:
            raise BadDeck(f"There is no supplier {name}.")
        profile, hints = mapping.profile, mapping.hints()
    if options["plan"]:
        hints = replace(hints, plan=options["plan"])
    mode = DeckMode.CHANGES if options["changes_only"] else DeckMode.FULL
    raw = read_file(path)
    bar = bar_on(sys.stderr, raw.count(b"\n"))
    tell = bar.show if bar is not None else None
    return Deck(raw, profile, hints, mode, origin=path.name, tell=tell)


def organisation_of(slug: str | None) -> Organisation | None:
    if not slug:
        return None
    found = Organisation.objects.filter(slug=slug).first()
    if found is None:
        raise BadDeck(f"There is no organisation {slug}.")
    return found


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

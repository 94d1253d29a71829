"""manage.py import_calls FILE --format F --source SLUG: call records in."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn
from zoneinfo import ZoneInfo, available_timezones

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from accounts.models import Organisation
from calling.formats.record import Profile
from calling.formats.registry import FORMATS
from calling.import_calls import BATCH, CallFile, ImportedCalls, import_calls
from calling.models import Source
from calling.progress_bar import pieces_with_bar


class Command(BaseCommand):
    help = "Imports call records; what is already in counts as a duplicate."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--format", required=True, choices=sorted(FORMATS))
        parser.add_argument("--source", required=True, help="the source's short name")
        parser.add_argument("--time-zone", help="of times that name none")
        parser.add_argument("--organisation", help="whose records they all are")
        parser.add_argument("--batch", type=int, default=BATCH, help="records at once")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        source = Source.objects.filter(slug=options["source"]).first()
        if source is None:
            self._refuse(f"There is no source {options['source']}.")
        organisation = self._organisation(options["organisation"])
        profile = self._profile(source, options["time_zone"])
        try:
            with path.open("rb") as stream:
                pieces = pieces_with_bar(stream, path.stat().st_size, sys.stderr)
                file = CallFile(pieces, options["format"], profile, path.name)
                result = import_calls(
                    file,
                    source,
                    now=timezone.now,
                    organisation=organisation,
                    batch=max(1, options["batch"]),
                )
        except OSError as problem:
            self._refuse(f"{path}: The file cannot be read: {problem.strerror}.")
        except KeyboardInterrupt:
            self.stderr.write("\nInterrupted. What is in stays in; run it again.")
            sys.exit(130)
        self._report(result, path, as_json=options["json"])

    def _organisation(self, slug: str | None) -> Organisation | None:
        if not slug:
            return None
        found = Organisation.objects.filter(slug=slug).first()
        if found is None:
            self._refuse(f"There is no organisation {slug}.")
        return found

    def _profile(self, source: Source, zone: str | None) -> Profile:
        profile = Profile.of(source)
        if zone is None:
            return profile
        if zone not in available_timezones():
            self._refuse(f"{zone} is not a time zone.")
        return replace(profile, zone=ZoneInfo(zone))

    def _refuse(self, sentence: str) -> NoReturn:
        self.stderr.write(sentence)
        sys.exit(2)

    def _report(self, result: ImportedCalls, path: Path, *, as_json: bool) -> None:
        counts = {
            "stored": result.stored,
            "duplicates": result.duplicates,
            "corrections": result.corrections,
            "waiting": result.waiting,
        }
        unnamed_rows = result.rejected - len(result.reasons)
        if as_json:
            reasons = [
                {"line": line, "reason": reason} for line, reason in result.reasons
            ]
            unnamed = {"rejected_unnamed": unnamed_rows} if unnamed_rows else {}
            told_as_json = {**counts, "rejected": reasons, **unnamed}
            self.stdout.write(json.dumps(told_as_json))
        else:
            told = [f"{name} {count}" for name, count in counts.items()]
            self.stdout.write(", ".join([*told, f"rejected {result.rejected}"]))
        if result.skipped_legs:
            self.stderr.write(f"{result.skipped_legs} legs are not billed, skipped.")
        for line, reason in result.reasons:
            self.stderr.write(f"{path}:{line}: {reason}")
        if unnamed_rows:
            self.stderr.write(f"{unnamed_rows} more rows are in the quarantine.")
        if result.rejected:
            sys.exit(2)

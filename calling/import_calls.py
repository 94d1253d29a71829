"""Imports a file of call records, batch by batch (rules 6.6 and 6.7).

Each batch is stored and settled in one transaction, so an interrupted import is simply
run again: what is already in counts as a duplicate. Memory does not grow with the file.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from accounts.models import Organisation
from calling.formats.record import CallRecordIn, Profile, RowError, SkippedLeg
from calling.formats.registry import parse_stream
from calling.ingest import Batch, IngestResult, store_batches
from calling.models import Source
from calling.outcome import Outcome
from calling.reject import reject_rows

BATCH = 5000
MOST_REASONS = 1000
Tell: TypeAlias = Callable[
    [Sequence[CallRecordIn], Sequence[Outcome], Sequence[RowError]], None
]


@dataclass
class ImportedCalls:
    """How many records became what.

    Of rejected rows the first thousand are named with line and reason; all of them are
    in the quarantine, and a file of nothing else must not fill the memory.
    """

    stored: int = 0
    duplicates: int = 0
    corrections: int = 0
    waiting: int = 0
    skipped_legs: int = 0
    rejected: int = 0
    reasons: list[tuple[int, str]] = field(default_factory=list)

    def add(self, done: IngestResult, errors: Sequence[RowError]) -> None:
        """What became of one more batch, and of the rows that were no records."""
        self.stored += done.stored
        self.duplicates += done.duplicates
        self.corrections += done.corrections
        self.waiting += done.waiting
        self.rejected += len(errors)
        named = errors[: MOST_REASONS - len(self.reasons)]
        self.reasons += [(error.line, error.reason) for error in named]


@dataclass(frozen=True)
class CallFile:
    """What is read, and how."""

    pieces: Iterable[bytes]
    format_name: str
    profile: Profile
    origin: str


def import_calls(
    file: CallFile,
    source: Source,
    *,
    now: Callable[[], datetime],
    organisation: Organisation | None = None,
    batch: int = BATCH,
    tell: Tell | None = None,
) -> ImportedCalls:
    """Everything in the file; `now` is asked once for each batch, `tell` is told it."""
    result = ImportedCalls()
    hint = organisation.slug if organisation is not None else ""
    zone = file.profile.zone.key
    named_zone = zone if zone != source.time_zone else ""
    told: deque[tuple[Batch, list[RowError]]] = deque()

    def read() -> Iterator[Batch]:
        for records, errors in _batches(file, batch, result):
            for record in records:
                record.organisation_hint = hint
                record.time_zone = named_zone
            told.append((Batch(records, now()), errors))
            yield told[-1][0]

    for done in store_batches(source, read(), format_name=file.format_name):
        (records, at), errors = told.popleft()
        result.add(done, errors)
        reject_rows(
            errors,
            origin=file.origin,
            at=at,
            source=source,
            organisation=organisation,
        )
        if tell is not None:
            tell(records, done.outcomes, errors)
    return result


def _batches(
    file: CallFile, size: int, result: ImportedCalls
) -> Iterator[tuple[list[CallRecordIn], list[RowError]]]:
    records: list[CallRecordIn] = []
    errors: list[RowError] = []
    for row in parse_stream(file.format_name, file.pieces, file.profile):
        if isinstance(row, CallRecordIn):
            records.append(row)
        elif isinstance(row, SkippedLeg):
            result.skipped_legs += 1
        else:
            errors.append(row)
        if len(records) + len(errors) >= size:
            yield records, errors
            records, errors = [], []
    if records or errors:
        yield records, errors

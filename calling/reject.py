"""Keeps the rows that are no call record and no rate, with the reason (rule 6.6)."""

from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b
from typing import Protocol

from accounts.models import Organisation
from calling.models import RejectedRow, Source

LONGEST_REASON = 300
BATCH = 500


class Refused(Protocol):
    """A row that was refused."""

    @property
    def line(self) -> int: ...
    @property
    def reason(self) -> str: ...
    @property
    def body(self) -> str: ...


def reject_rows(
    rows: Iterable[Refused],
    *,
    origin: str,
    at: datetime,
    source: Source | None = None,
    organisation: Organisation | None = None,
) -> None:
    """Writes them to the quarantine; the same row of the same file only once."""
    kept = [
        RejectedRow(
            source=source,
            organisation=organisation,
            origin=origin[-200:],
            line=row.line,
            reason=row.reason[:LONGEST_REASON],
            digest=blake2b(row.body.encode(), digest_size=16).hexdigest(),
            body=row.body,
            received_at=at,
        )
        for row in rows
    ]
    RejectedRow.objects.bulk_create(kept, BATCH, ignore_conflicts=True)

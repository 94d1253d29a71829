"""A file of call records that staff hand in, worked through by the worker (rule 6.7).

The same bytes of one source are taken only once. Each row's fate is kept as a file of
its own. A worker that dies on the way runs again: what is in already is a duplicate.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django_q.tasks import async_task

from accounts.audit import record_audit
from accounts.models import Organisation, User
from accounts.refusals import TollgateError
from calling.formats.record import CallRecordIn, Profile, RowError
from calling.import_calls import CallFile, import_calls
from calling.models import CallUpload, Source, WaitingReason
from calling.outcome import Outcome
from credits.write_csv import pack_csv

LARGEST_FILE = 20 * 1024 * 1024
PIECE = 256 * 1024
HEADING = ("line", "source_record_id", "status", "reason", "detail")
REJECTED = "rejected"


class FileKnown(TollgateError):
    code: ClassVar[str] = "call_file_once"
    sentence: ClassVar[str | Promise] = _(
        "This file was handed in before, as %(name)s on %(day)s."
    )


class FileTooLarge(TollgateError):
    code: ClassVar[str] = "file_too_large"
    sentence: ClassVar[str | Promise] = _(
        "A file is at most %(megabytes)d MB here; the command import_calls reads any."
    )
    status: ClassVar[int] = 413


@dataclass(frozen=True)
class HandedIn:
    """A file as it was chosen on the page."""

    raw: bytes
    name: str
    format_name: str


def take_upload(
    file: HandedIn,
    source: Source,
    *,
    organisation: Organisation | None,
    actor: User,
    reason: str,
    at: datetime,
) -> CallUpload:
    """Keeps the file and leaves it to the worker; raises FileKnown for known bytes."""
    if len(file.raw) > LARGEST_FILE:
        raise FileTooLarge(megabytes=LARGEST_FILE // 1024 // 1024)
    checksum = hashlib.sha256(file.raw).hexdigest()
    with transaction.atomic():
        upload, is_new = CallUpload.objects.get_or_create(
            source=source,
            checksum=checksum,
            defaults={
                "organisation": organisation,
                "format": file.format_name,
                "name": file.name[-200:],
                "content": file.raw,
                "uploaded_by": actor,
                "uploaded_at": at,
            },
        )
        if not is_new:
            raise FileKnown(name=upload.name, day=f"{upload.uploaded_at:%Y-%m-%d}")
        async_task("calling.jobs.import_upload", upload.pk)
        record_audit(
            "upload_calls",
            at=at,
            organisation=organisation,
            actor=actor,
            object=f"call-upload:{upload.pk}",
            reason=reason,
            after={"file": upload.name, "sha256": checksum},
        )
    return upload


def import_upload(upload_id: int, *, now: Callable[[], datetime]) -> CallUpload:
    """Stores and settles the file's records, then keeps the result in its place."""
    upload = CallUpload.objects.select_related("source", "organisation").get(
        pk=upload_id
    )
    if upload.content is None:
        return upload
    fates = _Fates()
    raw = bytes(upload.content)
    pieces = (raw[at : at + PIECE] for at in range(0, len(raw), PIECE))
    profile = Profile.of(upload.source)
    done = import_calls(
        CallFile(pieces, upload.format, profile, upload.name),
        upload.source,
        now=now,
        organisation=upload.organisation,
        tell=fates.tell,
    )
    for name in ("stored", "duplicates", "corrections", "waiting"):
        setattr(upload, name, getattr(done, name))
    upload.skipped, upload.rejected = done.skipped_legs, done.rejected
    upload.result = pack_csv(HEADING, fates.in_order())
    upload.content, upload.finished_at = None, now()
    upload.save()
    return upload


class _Fates:
    """What became of each row, batch by batch."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, str, str, str, str]] = []

    def tell(
        self,
        records: Sequence[CallRecordIn],
        outcomes: Sequence[Outcome],
        errors: Sequence[RowError],
    ) -> None:
        for record, (status, reason) in zip(records, outcomes, strict=True):
            label = str(WaitingReason(reason).label) if reason else ""
            told = (record.line, record.source_record_id, status, reason, label)
            self.rows.append(told)
        for error in errors:
            self.rows.append((error.line, "", REJECTED, "", error.reason))

    def in_order(self) -> list[tuple[int, str, str, str, str]]:
        """By line; lines of several files in a ZIP stand side by side."""
        return sorted(self.rows)

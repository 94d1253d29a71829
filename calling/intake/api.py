"""The API where switches and exporters hand in records in their own words.

The key decides the source, the address the format; fields we do not know are ignored.
What is answered with 200 is committed, a repeat is a duplicate, so a sender may always
send again. A body of which nothing can be read is kept in the quarantine and answered
with 422: the switch then keeps it, too (rules 1.7, 6.6 and 6.7).
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple, TypeAlias

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from ninja import Router, Schema

from accounts.api_access import NAMED_IN, KeyAuth
from accounts.api_bodies import body_of
from calling.api import RecordNotValid, source_of
from calling.formats import asterisk, freeswitch, freeswitch_xml
from calling.formats.documents import Row
from calling.formats.record import CallRecordIn, Profile, RowError, SkippedLeg
from calling.formats.registry import FORMATS, IN_HALVES
from calling.ingest import IngestResult, store_call_records
from calling.models import RawRecord, RecordState, Source
from calling.reject import reject_rows
from calling.replay import settle_raw_records

router = Router(tags=["call records"], auth=KeyAuth("records"))
Read: TypeAlias = Callable[[bytes, Profile, str], Iterable[Row]]
SHOWN = 100  # of the rejected rows


class RejectedRecord(Schema):
    """A row that is no call record; kept for staff."""

    line: int
    reason: str


class IntakeResult(Schema):
    """How many records became what; legs that are not billed count as skipped."""

    stored: int
    duplicates: int
    corrections: int
    waiting: int
    skipped: int
    rejected: list[RejectedRecord]


class Intake(NamedTuple):
    """An address below /ingest/, its format, and what the sender's body may be."""

    path: str
    format: str
    summary: str
    content_types: tuple[str, ...]


FORMS = ("application/x-www-form-urlencoded", "application/x-www-form-base64-encoded")
INTAKES = (
    Intake(
        "freeswitch",
        "freeswitch-json",
        "Hand in a document of FreeSWITCH's mod_json_cdr",
        ("application/json", *FORMS),
    ),
    Intake(
        "freeswitch-xml",
        "freeswitch-xml",
        "Hand in a document of FreeSWITCH's mod_xml_cdr",
        ("text/xml", "application/xml", *FORMS),
    ),
    Intake(
        "asterisk",
        "asterisk-csv",
        "Hand in lines of Asterisk's Master.csv",
        ("text/csv",),
    ),
    Intake(
        "kamailio",
        "kamailio",
        "Hand in Kamailio's accounting or dialog events",
        ("application/json",),
    ),
    Intake(
        "teams-export",
        "teams-export",
        "Hand in a usage export of the Teams admin centre",
        ("application/zip", "text/csv"),
    ),
    Intake(
        "direct-routing",
        "direct-routing-csv",
        "Hand in a Direct Routing file of the Teams admin centre",
        ("text/csv",),
    ),
    Intake(
        "graph-pstn",
        "graph-pstn",
        "Hand in a page of Microsoft Graph's getPstnCalls",
        ("application/json",),
    ),
    Intake(
        "graph-direct-routing",
        "graph-direct-routing",
        "Hand in a page of Microsoft Graph's getDirectRoutingCalls",
        ("application/json",),
    ),
    Intake(
        "twilio",
        "twilio",
        "Hand in a page of Twilio's call resource",
        ("application/json",),
    ),
    Intake(
        "generic-csv",
        "generic-csv",
        "Hand in a file of call records in our own words",
        ("text/csv",),
    ),
)


def _read_asterisk(body: bytes, profile: Profile, _type: str) -> Iterable[Row]:
    # A file may be read while it is written; what is posted is whole.
    return asterisk.parse(body.rstrip(b"\r\n") + b"\n", profile)


# Formats that must know how the body was sent.
READS: dict[str, Read] = {
    "freeswitch-json": freeswitch.parse,
    "freeswitch-xml": freeswitch_xml.parse,
    "asterisk-csv": _read_asterisk,
}


def take_in(request: HttpRequest, format_name: str) -> IntakeResult:
    """Stores and settles what the body tells, keeps what cannot be read."""
    source = source_of(request)
    at = timezone.now()
    body, profile = body_of(request), Profile.of(source)
    content_type = request.headers.get("Content-Type", "")
    read = READS.get(format_name)
    rows = list(
        read(body, profile, content_type)
        if read is not None
        else FORMATS[format_name](body, profile)
    )
    records = [row for row in rows if isinstance(row, CallRecordIn)]
    errors = [row for row in rows if isinstance(row, RowError)]
    for record in records:
        record.organisation_hint = request.headers.get(NAMED_IN, "")[:50]
    origin = f"API, {format_name}, {source.slug}"
    reject_rows(errors, origin=origin, at=at, source=source)
    if len(errors) == len(rows):
        told = errors[0].reason if errors else _("the body is empty.")
        raise RecordNotValid(reason=told)
    done = store_call_records(source, records, at=at, format_name=format_name)
    joined = _join_halves(source, records, done, format_name, at)
    return IntakeResult(
        stored=done.stored + joined,
        duplicates=done.duplicates,
        corrections=done.corrections,
        waiting=done.waiting - joined,
        skipped=sum(isinstance(row, SkippedLeg) for row in rows),
        rejected=[
            RejectedRecord(line=error.line, reason=error.reason)
            for error in errors[:SHOWN]
        ],
    )


def _join_halves(
    source: Source,
    records: Iterable[CallRecordIn],
    done: IngestResult,
    format_name: str,
    at: datetime,
) -> int:
    """Settles calls whose other half is here already; how many.

    They are stored by then: what fails here is settled by the replay.
    """
    if format_name not in IN_HALVES or not done.waiting:
        return 0
    waiting = RawRecord.objects.filter(
        source=source,
        source_record_id__among={record.source_record_id for record in records},
        state=RecordState.WAITING,
    )
    return len(settle_raw_records(list(waiting.values_list("pk", flat=True)), at=at))


def _open(intake: Intake) -> None:
    """The operation of an address; its body is the sender's own, described there."""

    def ingest(request: HttpRequest) -> IntakeResult:
        return take_in(request, intake.format)

    ingest.__name__ = f"ingest_{intake.path.replace('-', '_')}"
    schema = {"schema": {"type": "string", "format": "binary"}}
    content = dict.fromkeys(intake.content_types, schema)
    router.post(
        f"/ingest/{intake.path}",
        response=IntakeResult,
        summary=intake.summary,
        openapi_extra={"requestBody": {"required": True, "content": content}},
    )(ingest)


for one in INTAKES:
    _open(one)

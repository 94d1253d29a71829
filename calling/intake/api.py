"""The API where switches and exporters hand in records in their own words.

The key decides the source, the address the format; fields we do not know are ignored.
What is answered with 200 is committed, a repeat is a duplicate, so a sender may always
send again. A body of which nothing can be read is kept in the quarantine and answered
with 422: the switch then keeps it, too (rules 1.7, 6.6 and 6.7).
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeAlias

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from ninja import Router, Schema

from accounts.api_access import NAMED_IN, KeyAuth
from accounts.api_bodies import body_of
from calling.api import PROBLEMS, RecordNotValid, source_of
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


def body_in(*content_types: str) -> dict[str, Any]:
    """The request body for OpenAPI: the sender's own, described by its maker."""
    schema = {"schema": {"type": "string", "format": "binary"}}
    content = dict.fromkeys(content_types, schema)
    return {"requestBody": {"required": True, "content": content}}


FORMS = ("application/x-www-form-urlencoded", "application/x-www-form-base64-encoded")
ANSWERS = {200: IntakeResult, **PROBLEMS}


@router.post(
    "/ingest/freeswitch",
    response=ANSWERS,
    summary="Hand in a document of FreeSWITCH's mod_json_cdr",
    openapi_extra=body_in("application/json", *FORMS),
)
def ingest_freeswitch(request: HttpRequest) -> Any:
    return take_in(request, "freeswitch-json", freeswitch.parse)


@router.post(
    "/ingest/freeswitch-xml",
    response=ANSWERS,
    summary="Hand in a document of FreeSWITCH's mod_xml_cdr",
    openapi_extra=body_in("text/xml", "application/xml", *FORMS),
)
def ingest_freeswitch_xml(request: HttpRequest) -> Any:
    return take_in(request, "freeswitch-xml", freeswitch_xml.parse)


@router.post(
    "/ingest/asterisk",
    response=ANSWERS,
    summary="Hand in lines of Asterisk's Master.csv",
    openapi_extra=body_in("text/csv"),
)
def ingest_asterisk(request: HttpRequest) -> Any:
    return take_in(request, "asterisk-csv", _read_asterisk)


@router.post(
    "/ingest/kamailio",
    response=ANSWERS,
    summary="Hand in Kamailio's accounting or dialog events",
    openapi_extra=body_in("application/json"),
)
def ingest_kamailio(request: HttpRequest) -> Any:
    return take_in(request, "kamailio")


@router.post(
    "/ingest/teams-export",
    response=ANSWERS,
    summary="Hand in a usage export of the Teams admin centre",
    openapi_extra=body_in("application/zip", "text/csv"),
)
def ingest_teams_export(request: HttpRequest) -> Any:
    return take_in(request, "teams-export")


@router.post(
    "/ingest/direct-routing",
    response=ANSWERS,
    summary="Hand in a Direct Routing file of the Teams admin centre",
    openapi_extra=body_in("text/csv"),
)
def ingest_direct_routing(request: HttpRequest) -> Any:
    return take_in(request, "direct-routing-csv")


@router.post(
    "/ingest/graph-pstn",
    response=ANSWERS,
    summary="Hand in a page of Microsoft Graph's getPstnCalls",
    openapi_extra=body_in("application/json"),
)
def ingest_graph_pstn(request: HttpRequest) -> Any:
    return take_in(request, "graph-pstn")


@router.post(
    "/ingest/graph-direct-routing",
    response=ANSWERS,
    summary="Hand in a page of Microsoft Graph's getDirectRoutingCalls",
    openapi_extra=body_in("application/json"),
)
def ingest_graph_direct_routing(request: HttpRequest) -> Any:
    return take_in(request, "graph-direct-routing")


@router.post(
    "/ingest/twilio",
    response=ANSWERS,
    summary="Hand in a page of Twilio's call resource",
    openapi_extra=body_in("application/json"),
)
def ingest_twilio(request: HttpRequest) -> Any:
    return take_in(request, "twilio")


@router.post(
    "/ingest/generic-csv",
    response=ANSWERS,
    summary="Hand in a file of call records in our own words",
    openapi_extra=body_in("text/csv"),
)
def ingest_generic_csv(request: HttpRequest) -> Any:
    return take_in(request, "generic-csv")


def _read_asterisk(body: bytes, profile: Profile, _type: str) -> Iterable[Row]:
    # A file may be read while it is written; what is posted is whole.
    return asterisk.parse(body.rstrip(b"\r\n") + b"\n", profile)


def take_in(
    request: HttpRequest, format_name: str, read: Read | None = None
) -> IntakeResult:
    """Stores and settles what the body tells, keeps what cannot be read.

    `read` stands for formats that must know how the body was sent.
    """
    source = source_of(request)
    at = timezone.now()
    body, profile = body_of(request), Profile.of(source)
    content_type = request.headers.get("Content-Type", "")
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

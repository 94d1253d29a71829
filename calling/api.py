"""The API of call records: a provider's switch hands them in (rules 1.7 and 6.7).

The key decides the source. What is answered as stored is committed; a repeat is a
duplicate, never an error, so a sender may always send again.
"""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, ClassVar

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from ninja import Router, Schema
from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints

from accounts.api_access import NAMED_IN, KeyAuth, ScopeMissing, key_for
from accounts.api_bodies import NotJson, body_of, need_json
from accounts.models import Scope
from accounts.refusals import TollgateError
from calling.formats import generic
from calling.formats.documents import Row, parse_documents
from calling.formats.record import CallRecordIn, Fields, Profile, RowError
from calling.ingest import store_call_records
from calling.models import Direction, Source, WaitingReason
from calling.outcome import CORRECTION, DUPLICATE, STORED, WAITING, Outcome
from calling.reject import reject_rows

router = Router(tags=["call records"], auth=KeyAuth("records"))

LARGEST_BATCH = 1000
STATUSES: list[Any] = [STORED, DUPLICATE, CORRECTION, WAITING, "rejected"]
Text200 = Annotated[str, StringConstraints(max_length=200)]
Text128 = Annotated[str, StringConstraints(max_length=128)]
Text100 = Annotated[str, StringConstraints(max_length=100)]


class KeyHasNoSource(TollgateError):
    code: ClassVar[str] = "key_has_no_source"
    sentence: ClassVar[str | Promise] = _("This key belongs to no source.")
    status: ClassVar[int] = 403


class OtherSource(TollgateError):
    code: ClassVar[str] = "other_source"
    sentence: ClassVar[str | Promise] = _(
        "The record names the source %(named)s; this key is that of %(source)s."
    )
    status: ClassVar[int] = 403


class BatchTooLarge(TollgateError):
    code: ClassVar[str] = "batch_too_large"
    sentence: ClassVar[str | Promise] = _("Send at most %(most)d call records at once.")
    status: ClassVar[int] = 413


class RecordNotValid(TollgateError):
    code: ClassVar[str] = "not_valid"
    sentence: ClassVar[str | Promise] = _("This is no call record: %(reason)s")
    status: ClassVar[int] = 422


class CallRecordBody(Schema):
    """One call. Times carry a zone; `answered_at` is null for an unanswered call."""

    model_config = ConfigDict(extra="forbid")

    source: str | None = None
    source_record_id: Annotated[
        str, StringConstraints(min_length=1, max_length=200, pattern=r"\S")
    ]
    call_id: Text200 | None = None
    authorization_id: Text100 | None = None
    account_code: Text100 | None = None
    trunk: Text100 | None = None
    tenant: Text100 | None = None
    user: Annotated[str, StringConstraints(max_length=150)] | None = None
    direction: Direction
    from_: Text128 | None = Field(None, alias="from")
    to: Text128 | None = None
    from_raw: Text128 | None = None
    to_raw: Text128 | None = None
    invited_at: AwareDatetime | None = None
    answered_at: AwareDatetime | None
    ended_at: AwareDatetime
    duration_s: Annotated[int, Field(ge=0, lt=10**9)] | None = None
    billable_s: Annotated[float, Field(ge=0, lt=10**9)] | None = None
    call_type: Annotated[str, StringConstraints(max_length=50)] | None = None
    kind: Annotated[str, StringConstraints(max_length=25)] | None = None
    hangup_cause: int | None = None
    sip_code: int | None = None
    conference_id: Text100 | None = None
    parent_id: Text200 | None = None
    supplier_charge: str | None = None
    supplier_fee: str | None = None
    supplier_currency: str | None = None
    supplier_entitlement: str | None = None
    flags: list[str] | None = None


class CallRecordResult(Schema):
    """What became of one record; `reason` and `detail` say why it waits."""

    source_record_id: str
    status: Annotated[str, Field(json_schema_extra={"enum": STATUSES})]
    reason: str = ""
    detail: str = ""


class BatchResult(Schema):
    """One result per record, in the order of the request."""

    results: list[CallRecordResult]


def contract_of(schema: dict[str, Any]) -> dict[str, Any]:
    """The request body for OpenAPI; each record is read by the format itself."""
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


ONE = CallRecordBody.model_json_schema(by_alias=True)
MANY = {"type": "array", "maxItems": LARGEST_BATCH, "items": ONE}


@router.post(
    "/cdrs",
    response=CallRecordResult,
    summary="Hand in a call record",
    openapi_extra=contract_of(ONE),
)
def post_call_record(request: HttpRequest) -> Any:
    source = source_of(request)
    body, value = read_body(request)
    if not isinstance(value, dict):
        raise RecordNotValid(reason=_("it is not a JSON object."))
    row = next(read_rows(body, source))
    if isinstance(row, RowError):
        raise RecordNotValid(reason=row.reason)
    return take_in([row], [value], request, source)[0]


@router.post(
    "/cdrs/batch",
    response=BatchResult,
    summary="Hand in up to 1,000 call records",
    openapi_extra=contract_of(MANY),
)
def post_call_records(request: HttpRequest) -> Any:
    source = source_of(request)
    body, value = read_body(request)
    if not isinstance(value, list):
        raise RecordNotValid(reason=_("a batch is a JSON array of them."))
    if len(value) > LARGEST_BATCH:
        raise BatchTooLarge(most=LARGEST_BATCH)
    rows = list(read_rows(body, source))
    return BatchResult(results=take_in(rows, value, request, source))


def source_of(request: HttpRequest) -> Source:
    """The source whose key this is; only keys of the provider have one."""
    key = key_for(request, Scope.CDRS_WRITE)
    if key.organisation_id is not None:
        raise ScopeMissing(scope=Scope.CDRS_WRITE.value)
    source = Source.objects.filter(api_key=key.first_id).first()
    if source is None:
        raise KeyHasNoSource
    return source


def read_body(request: HttpRequest) -> tuple[bytes, Any]:
    need_json(request)
    body = body_of(request)
    try:
        return body, generic.DECODER.decode(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise NotJson from None


def read_rows(body: bytes, source: Source) -> Iterator[Row]:
    """A row for each record of the body, each with its own original text."""
    profile = Profile.of(source, strict=True)
    return parse_documents([body], generic.DECODER, _read_for(source), profile)


def _read_for(source: Source) -> Callable[[Fields, str, Profile], CallRecordIn]:
    def read(fields: Fields, body: str, profile: Profile) -> CallRecordIn:
        named = fields.get("source")
        if named is not None and named != source.slug:
            raise OtherSource(named=str(named)[:50], source=source.slug)
        return generic.read(fields, body, profile)

    return read


def take_in(
    rows: list[Row], values: list[Any], request: HttpRequest, source: Source
) -> list[CallRecordResult]:
    """Stores the records, keeps the rows that are none, and answers for each."""
    at = timezone.now()
    records = [row for row in rows if isinstance(row, CallRecordIn)]
    for record in records:
        record.organisation_hint = request.headers.get(NAMED_IN, "")[:50]
    errors = [
        row._replace(line=place)
        for place, row in enumerate(rows, start=1)
        if isinstance(row, RowError)
    ]
    reject_rows(errors, origin=f"API, {source.slug}", at=at, source=source)
    outcomes = iter(store_call_records(source, records, at=at).outcomes)
    return [
        _rejected(row, value) if isinstance(row, RowError) else _result(row, outcomes)
        for row, value in zip(rows, values, strict=True)
    ]


def _rejected(row: RowError, value: Any) -> CallRecordResult:
    record_id = value.get("source_record_id") if isinstance(value, dict) else ""
    return CallRecordResult(
        source_record_id=record_id if isinstance(record_id, str) else "",
        status="rejected",
        detail=row.reason,
    )


def _result(row: Any, outcomes: Iterator[Outcome]) -> CallRecordResult:
    status, reason = next(outcomes)
    return CallRecordResult(
        source_record_id=row.source_record_id,
        status=status,
        reason=reason,
        detail=str(WaitingReason(reason).label) if reason else "",
    )

"""The API that switches ask: may this call go on? (rule 9).

Every answer is 200, a denial as well; other codes mean that the question could not be
read or the key is not that of a source. Bodies are JSON or a form, answers JSON or, for
who asks so, `name=value` lines.
"""

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

import ninja.errors
import pydantic
from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema
from pydantic import ConfigDict, Field, StringConstraints

from accounts.api_access import NAMED_IN, KeyAuth, ScopeMissing, key_for
from accounts.api_bodies import FORM, JSON, read_fields, text_answer, wants_text
from accounts.models import Scope
from calling.api import KeyHasNoSource, OtherSource
from calling.authorise.answers import Answer, emergency_answer
from calling.authorise.authorise import authorise_call
from calling.authorise.emergency import HELP, CallsAuth
from calling.authorise.question import Question
from calling.authorise.remember import provider_facts
from calling.models import Direction, Source

router = Router(tags=["calls"], auth=CallsAuth())
Read = TypeVar("Read", bound=Schema)

_CLEAN = r"^[^\x00-\x1f]*$"
Text200 = Annotated[str, StringConstraints(max_length=200, pattern=_CLEAN)]
Text150 = Annotated[str, StringConstraints(max_length=150, pattern=_CLEAN)]
Text128 = Annotated[str, StringConstraints(max_length=128, pattern=_CLEAN)]
Text100 = Annotated[str, StringConstraints(max_length=100, pattern=_CLEAN)]
Text50 = Annotated[str, StringConstraints(max_length=50, pattern=_CLEAN)]
Seconds = Annotated[int, Field(ge=0, le=86_400)]
Sequence = Annotated[int, Field(ge=1, lt=2**31)]


class AuthorizeBody(Schema):
    """A call that is about to start, as the switch sees it.

    `from_tag` (or the branch) tells forks apart that share a call id.
    """

    model_config = ConfigDict(extra="forbid")

    source: Text50 | None = None
    call_id: Annotated[
        str, StringConstraints(min_length=1, max_length=150, pattern=_CLEAN)
    ]
    from_tag: Text50 | None = None
    from_: Text128 | None = Field(None, alias="from")
    to: Text128
    direction: Direction = Direction.OUTBOUND
    account_code: Text100 | None = None
    trunk: Text100 | None = None
    tenant: Text100 | None = None
    user: Text150 | None = None
    kind: Literal["conference_out", "emergency", "on_net"] | None = None
    call_type: Text50 | None = None
    source_ip: Text50 | None = None
    requested_duration_s: Annotated[int, Field(ge=1, lt=2**31)] | None = None


class SipOut(Schema):
    """What the switch answers the caller with; Q.850's cause where it refuses."""

    code: int
    q850: int | None = None


class HeldOut(Schema):
    amount: str
    currency: str


class RateOut(Schema):
    prefix: str
    destination: str
    rate_per_minute: str
    connect_fee: str
    interval_1: int
    interval_n: int


class PulseOut(Schema):
    """The same in the words of Kamailio's cnxcc."""

    credit: str
    connect_cost: str
    cost_per_second: str
    initial_increment_s: int
    next_increment_s: int


class DecisionOut(Schema):
    """`max_duration_s` counts from the answer; `code` and `reason` say why not."""

    decision: Literal["allow", "deny", "retry"]
    authorization_id: str | None = None
    sequence: int | None = None
    code: str | None = None
    reason: str | None = None
    charged_to: (
        Literal["plan", "credits", "plan_then_credits", "postpaid", "none"] | None
    ) = None
    max_duration_s: int | None = None
    warn_at_s: int | None = None
    expires_at: datetime | None = None
    hold: HeldOut | None = None
    rate: RateOut | None = None
    pulse: PulseOut | None = None
    retry_after_s: int | None = None
    sip: SipOut


def contract_of(body: type[Schema]) -> dict[str, Any]:
    """The request body for OpenAPI: the same fields as JSON or as a form."""
    schema = {"schema": body.model_json_schema(by_alias=True)}
    return {"requestBody": {"required": True, "content": {JSON: schema, FORM: schema}}}


@router.post(
    "/calls/authorize",
    response=DecisionOut,
    exclude_none=True,
    summary="Ask whether a call may go on",
    openapi_extra=contract_of(AuthorizeBody),
)
def post_authorize(request: HttpRequest) -> Any:
    if getattr(request, "auth", None) is HELP:
        return tell(request, emergency_answer())
    source = asking_source(request)
    body = read(AuthorizeBody, request)
    if body.source is not None and body.source != source.slug:
        raise OtherSource(named=body.source, source=source.slug)
    question = _question(body, request.headers.get(NAMED_IN, "")[:50])
    return tell(
        request,
        authorise_call(
            question,
            source,
            at=timezone.now(),
            ask_source=lambda: _asked_again(request),
        ),
    )


def tell(request: HttpRequest, answer: Answer) -> Any:
    if wants_text(request):
        return text_answer(answer.body)
    return answer.body


def read(schema: type[Read], request: HttpRequest) -> Read:
    """The body's fields, by their schema; raises which of them are not valid."""
    try:
        return schema.model_validate(read_fields(request))
    except pydantic.ValidationError as error:
        told: list[Any] = error.errors(include_url=False, include_input=False)
        for one in told:
            one["loc"] = ("body", "payload", *one["loc"])
        raise ninja.errors.ValidationError(told) from None


def asking_source(request: HttpRequest) -> Source:
    """The source whose key this is, from memory; only keys of the provider have one."""
    key = key_for(request, Scope.CALLS_AUTHORIZE)
    if key.organisation_id is not None:
        raise ScopeMissing(scope=Scope.CALLS_AUTHORIZE.value)
    source = provider_facts().sources.get(key.first_id)
    if source is None:
        # A source that was made since is asked for where nobody is waiting.
        source = Source.objects.filter(api_key=key.first_id).first()
    if source is None:
        raise KeyHasNoSource
    return source


def _asked_again(request: HttpRequest) -> Source:
    """The key and its source as they are now."""
    request.auth = KeyAuth("calls")(request)  # type: ignore[attr-defined]
    return asking_source(request)


def _question(body: AuthorizeBody, organisation: str) -> Question:
    return Question(
        call_id=body.call_id,
        callee=body.to,
        caller=body.from_ or "",
        direction=str(body.direction.value),
        from_tag=body.from_tag or "",
        account_code=body.account_code or "",
        trunk=body.trunk or "",
        tenant=body.tenant or "",
        user=body.user or "",
        kind=body.kind or "",
        call_type=body.call_type or "",
        organisation_hint=organisation,
        requested_seconds=body.requested_duration_s,
    )

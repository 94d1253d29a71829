"""The bodies that switches send and are answered, for the calls API (rule 9).

Requests are strict: a field we do not know is refused by name. Money is text.
"""

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

import ninja.errors
import pydantic
from django.http import HttpRequest
from ninja import Schema
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from accounts.api_bodies import FORM, JSON, read_fields
from calling.authorise.question import Question
from calling.models import Direction

Read = TypeVar("Read", bound="AskedBody")

_CLEAN = r"^[^\x00-\x1f]*$"
Text200 = Annotated[str, StringConstraints(max_length=200, pattern=_CLEAN)]
Text150 = Annotated[str, StringConstraints(max_length=150, pattern=_CLEAN)]
Text128 = Annotated[str, StringConstraints(max_length=128, pattern=_CLEAN)]
Text100 = Annotated[str, StringConstraints(max_length=100, pattern=_CLEAN)]
Text50 = Annotated[str, StringConstraints(max_length=50, pattern=_CLEAN)]
Seconds = Annotated[int, Field(ge=0, le=86_400)]
Sequence = Annotated[int, Field(ge=1, lt=2**31)]


class AskedBody(BaseModel):
    """Not the framework's own class, which first looks for attributes of an object."""

    model_config = ConfigDict(extra="forbid")


class AuthorizeBody(AskedBody):
    """A call that is about to start, as the switch sees it.

    `from_tag` (or the branch) tells forks apart that share a call id. The same pair is
    the same call for ever; a switch adds what its callers cannot choose, a time say.
    """

    source: Text50 | None = None
    call_id: Annotated[
        str, StringConstraints(min_length=1, max_length=1000, pattern=_CLEAN)
    ]
    from_tag: Text200 | None = None
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


class ExtendBody(AskedBody):
    """Seconds from the answer that were used, and how many more are wanted."""

    sequence: Sequence
    used_s: Seconds
    requested_s: Annotated[int, Field(ge=1, lt=2**31)] | None = None


class ReleaseBody(AskedBody):
    """The call is over and was not answered, or never began."""

    sequence: Sequence | None = None
    reason: Text100 | None = None


class SettleBody(AskedBody):
    """How the call went. Times carry a zone; without an answer it costs nothing.

    Without `source_record_id` the record is known by its authorization.
    """

    sequence: Sequence | None = None
    source_record_id: Text200 | None = None
    answered_at: AwareDatetime | None = None
    ended_at: AwareDatetime
    billable_s: Annotated[float, Field(ge=0, lt=10**9)] | None = None
    hangup_cause: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    sip_code: Annotated[int, Field(ge=0, lt=2**31)] | None = None


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


class ReleasedOut(Schema):
    """How the hold ended: now, or before by its record or its deadline."""

    status: Literal["released", "settled", "lapsed"]


class PartOut(Schema):
    """What one source paid of the call."""

    source: Literal["pool", "credit", "postpaid", "debt"]
    seconds: int
    amount: str
    currency: str


class SettledOut(Schema):
    """The charge; a record that waits says why instead."""

    status: Literal["settled", "waiting"]
    cdr_id: str | None = None
    reason: str | None = None
    kind: str | None = None
    billed_s: int | None = None
    revision: int | None = None
    paid_by: list[PartOut] | None = None
    released: HeldOut | None = None


def contract_of(body: type[AskedBody]) -> dict[str, Any]:
    """The request body for OpenAPI: the same fields as JSON or as a form."""
    schema = {"schema": body.model_json_schema(by_alias=True)}
    return {"requestBody": {"required": True, "content": {JSON: schema, FORM: schema}}}


def read(schema: type[Read], request: HttpRequest) -> Read:
    """The body's fields, by their schema; raises which of them are not valid."""
    try:
        return schema.model_validate(read_fields(request))
    except pydantic.ValidationError as error:
        told: list[Any] = error.errors(include_url=False, include_input=False)
        for one in told:
            one["loc"] = ("body", "payload", *one["loc"])
        raise ninja.errors.ValidationError(told) from None


def question_of(body: AuthorizeBody, organisation: str) -> Question:
    """The question in our own words; `organisation` is named beside the body."""
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

"""The API of usage: the calls of a period, and those in progress (rules 6, 8, 9.4)."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any

from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import Field, StringConstraints

from accounts.api_access import NAMED, organisation_of
from accounts.api_pages import LIMIT, Cursor, Limit, read_page
from accounts.models import Organisation, Scope
from calling.call_list import CallFilter, matching_charges
from calling.models import CallKind, Charge, Direction, Line
from calling.rates.api import PaidByOut
from credits.api_money import MoneyOut, money_out
from credits.models import Hold

router = Router(tags=["usage"])

Day = Annotated[date, Query(), Field(ge=date(2000, 1, 1), lt=date(2200, 1, 1))]
LineId = Annotated[str, Query(), StringConstraints(pattern=r"^line_[0-9]{1,18}$")]
# Without control characters: PostgreSQL cannot store all of them.
Name = Annotated[
    str, Query(), StringConstraints(max_length=150, pattern=r"^[^\x00-\x1f]*$")
]


class Payer(StrEnum):
    """Who pays for a call, or for a part of it (rule 8)."""

    POOL = "pool"
    CREDIT = "credit"
    POSTPAID = "postpaid"
    DEBT = "debt"
    NOBODY = "nobody"


class CallOut(Schema):
    """A call as its newest record tells it, and who paid for which part of it."""

    id: str
    revision: int
    kind: CallKind
    direction: Direction
    from_: str = Field(serialization_alias="from")
    to: str
    line: str | None
    line_name: str
    department: str
    started_at: datetime
    ended_at: datetime
    answered: bool
    prefix: str
    destination: str
    rate_per_minute: MoneyOut
    connect_fee: MoneyOut
    billed_seconds: int
    cost: MoneyOut
    paid_by: list[PaidByOut]
    booked_at: datetime


class UsageOut(Schema):
    data: list[CallOut]
    next_cursor: str | None


class LiveCallOut(Schema):
    """A call that was allowed to start; it ends by itself at `expires_at`."""

    id: str
    kind: CallKind
    from_: str = Field(serialization_alias="from")
    to: str
    line: str | None
    hold: MoneyOut
    max_duration_s: int
    started_at: datetime
    expires_at: datetime


class LiveCallsOut(Schema):
    data: list[LiveCallOut]
    next_cursor: str | None


@router.get(
    "/usage",
    response=UsageOut,
    by_alias=True,
    summary="Calls of a period, the newest first",
    openapi_extra=NAMED,
)
def list_usage(
    request: HttpRequest,
    *,
    first: Day | None = None,
    last: Day | None = None,
    line: LineId | None = None,
    kind: Annotated[CallKind | None, Query()] = None,
    paid_by: Annotated[Payer | None, Query()] = None,
    department: Name = "",
    destination: Name = "",
    limit: Limit = LIMIT,
    cursor: Cursor = "",
) -> Any:
    """Days are those of the organisation, both included; without them this month's."""
    organisation = organisation_of(request, Scope.USAGE_READ)
    today = organisation.local_day(timezone.now())
    last_day = last or max(today, first or today)
    wanted = CallFilter(
        first=first or last_day.replace(day=1),
        last=last_day,
        line_id=_line(organisation, line),
        kind=kind or "",
        paid_by=paid_by or "",
        department=department,
        destination=destination,
    )
    page, after = read_page(
        matching_charges(organisation, wanted),
        ("call_record__started_at", "call_record_id"),
        limit=limit,
        cursor=cursor,
    )
    return UsageOut(data=[_call_out(charge) for charge in page], next_cursor=after)


@router.get(
    "/calls",
    response=LiveCallsOut,
    by_alias=True,
    summary="Calls in progress, the newest first",
    openapi_extra=NAMED,
)
def list_live_calls(
    request: HttpRequest, limit: Limit = LIMIT, cursor: Cursor = ""
) -> Any:
    organisation = organisation_of(request, Scope.USAGE_READ)
    holds = Hold.objects.still_open().filter(organisation=organisation)
    page, after = read_page(holds, ("opened_at", "id"), limit=limit, cursor=cursor)
    currency = organisation.currency
    return LiveCallsOut(
        data=[_live_call_out(hold, currency) for hold in page], next_cursor=after
    )


def _line(organisation: Organisation, named: str | None) -> int | None:
    if named is None:
        return None
    pk = int(named.removeprefix("line_"))
    if not Line.objects.filter(organisation=organisation, pk=pk).exists():
        raise Http404
    return pk


def _call_out(charge: Charge) -> CallOut:
    call = charge.call_record
    line = charge.line
    return CallOut(
        id=f"cdr_{call.pk}",
        revision=charge.revision,
        kind=CallKind(charge.kind),
        direction=Direction(call.direction),
        from_=call.caller,
        to=call.callee,
        line=f"line_{line.pk}" if line else None,
        line_name=line.name if line else "",
        department=line.department if line else "",
        started_at=call.started_at,
        ended_at=call.ended_at,
        answered=call.answered,
        prefix=charge.prefix,
        destination=getattr(charge, "destination", None) or "",
        rate_per_minute=money_out(charge.rate_per_minute, charge.currency),
        connect_fee=money_out(charge.connect_fee, charge.currency),
        billed_seconds=charge.billed_seconds,
        cost=money_out(charge.rated_amount, charge.currency),
        paid_by=_parts(charge),
        booked_at=charge.booked_at,
    )


def _parts(charge: Charge) -> list[PaidByOut]:
    """The parts that are not empty, in the order of rule 8."""
    parts = [
        (Payer.POOL, charge.pool_seconds, charge.pool_amount),
        (Payer.CREDIT, charge.credit_seconds, charge.credit_amount),
        (Payer.POSTPAID, charge.postpaid_seconds, charge.postpaid_amount),
        (Payer.DEBT, charge.debt_seconds, charge.debt_amount),
    ]
    return [
        PaidByOut(
            source=payer, seconds=seconds, amount=money_out(amount, charge.currency)
        )
        for payer, seconds, amount in parts
        if seconds or amount
    ]


def _live_call_out(hold: Hold, currency: str) -> LiveCallOut:
    return LiveCallOut(
        id=f"auth_{hold.pk}",
        kind=CallKind(hold.kind),
        from_=hold.caller,
        to=hold.callee,
        line=f"line_{hold.line_id}" if hold.line_id else None,
        hold=money_out(hold.amount, currency),
        max_duration_s=hold.granted_seconds,
        started_at=hold.opened_at,
        expires_at=hold.deadline_at,
    )

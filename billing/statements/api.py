"""The API of monthly statements: what moved the wallet in a month (rule 10.5)."""

from datetime import date, datetime
from typing import Annotated, Any

from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Router, Schema
from pydantic import StringConstraints

from accounts.api_access import NAMED, organisation_of
from accounts.models import Scope
from billing.statements.read_statement import months_of, read_statement
from credits.api_money import MoneyOut, money_out
from credits.money import Micros

router = Router(tags=["statements"])

Month = Annotated[
    str, StringConstraints(pattern=r"^2[0-9]{3}-(0[1-9]|1[0-2])$", max_length=7)
]


class MovementOut(Schema):
    """What one kind of entry came to: added, used, expired, …"""

    name: str
    amount: MoneyOut


class UnpostedOut(Schema):
    """Credit that has expired and waits for late calls; part of `closing`."""

    lot: str
    amount: MoneyOut
    expired_at: datetime


class StatementOut(Schema):
    """`opening` and all movements add up to `closing`, by when entries were booked.

    Days are those where the organisation is; a month goes on until it is over.
    """

    month: str
    is_over: bool
    opening: MoneyOut
    movements: list[MovementOut]
    closing: MoneyOut
    expired_not_posted: list[UnpostedOut]


@router.get(
    "/statements/{month}",
    response=StatementOut,
    summary="The statement of a month",
    openapi_extra=NAMED,
)
def get_statement(request: HttpRequest, month: Month) -> Any:
    organisation = organisation_of(request, Scope.BALANCE_READ)
    at, first = timezone.now(), date.fromisoformat(f"{month}-01")
    if first not in months_of(organisation, at):
        raise Http404
    found = read_statement(organisation, first, at=at)

    def money(micros: Micros) -> MoneyOut:
        return money_out(micros, found.currency)

    return StatementOut(
        month=month,
        is_over=found.is_over,
        opening=money(found.opening),
        movements=[
            MovementOut(name=one.name, amount=money(one.amount))
            for one in found.movements
        ],
        closing=money(found.closing),
        expired_not_posted=[
            UnpostedOut(
                lot=f"lot_{one.lot.pk}",
                amount=money(one.amount),
                expired_at=one.lot.expires_at,
            )
            for one in found.unposted
        ],
    )

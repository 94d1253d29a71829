"""The API of buying credit: starting a top-up, once per Idempotency-Key (rule 4.2)."""

from datetime import datetime
from typing import Annotated, Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from ninja import Router, Schema, Status
from pydantic import ConfigDict, StringConstraints

from accounts.api_access import own_organisation
from accounts.idempotency import answer_once
from accounts.models import ApiKey, Language, Organisation, Scope
from accounts.rate_limits import count_request
from billing.models import TopUp
from billing.top_up import start_top_up
from credits.api_money import MoneyOut, money_out
from credits.money import to_micros

router = Router(tags=["top-ups"])

Amount = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,11}(\.[0-9]{1,6})?$")]
# Without control characters: PostgreSQL cannot store all of them.
OrderNumber = Annotated[
    str, StringConstraints(max_length=50, pattern=r"^[^\x00-\x1f]*$")
]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class TopUpIn(Schema):
    model_config = ConfigDict(extra="forbid")

    amount: Amount
    currency: Code
    purchase_order: OrderNumber = ""


class TopUpOut(Schema):
    """A person pays at `checkout_url`; credit is issued when Stripe says so."""

    id: str
    state: str
    credit: MoneyOut
    tax: MoneyOut
    total: MoneyOut
    checkout_url: str
    started_at: datetime


@router.post(
    "/top-ups",
    response={201: TopUpOut},
    summary="Start a top-up",
    openapi_extra={
        "parameters": [
            {
                "in": "header",
                "name": "Idempotency-Key",
                "required": True,
                "schema": {"type": "string", "minLength": 1, "maxLength": 255},
            }
        ]
    },
)
def post_top_up(request: HttpRequest, response: HttpResponse, wanted: TopUpIn) -> Any:
    organisation = own_organisation(request, Scope.FUNDS_WRITE)
    count_request(request, "start_top_up_by_key", key=_key(request).prefix)
    at = timezone.now()

    def start(key: str) -> tuple[int, Any]:
        top_up = _start(organisation, wanted, client_key=f"api:{key}", at=at)
        return 201, _shown(top_up).model_dump(mode="json")

    answer = answer_once(request, _key(request), start, at=at)
    if answer.is_replayed:
        response["Idempotent-Replayed"] = "true"
    return Status(answer.status, answer.body)


def _start(
    organisation: Organisation, wanted: TopUpIn, *, client_key: str, at: datetime
) -> TopUp:
    if wanted.currency != organisation.currency and organisation.buys_credits:
        raise ValidationError(
            {
                "currency": ValidationError(
                    _("This organisation pays in %(currency)s."),
                    "other_currency",
                    {"currency": organisation.currency},
                )
            }
        )
    return start_top_up(
        organisation,
        to_micros(wanted.amount),
        client_key=client_key,
        actor=None,
        language=_language(),
        purchase_order=wanted.purchase_order,
        at=at,
    )


def _shown(top_up: TopUp) -> TopUpOut:
    def money(amount: Any) -> MoneyOut:
        return money_out(to_micros(amount.amount), top_up.currency)

    return TopUpOut(
        id=f"top_{top_up.pk}",
        state=top_up.state,
        credit=money(top_up.credit),
        tax=money(top_up.tax),
        total=money(top_up.total),
        checkout_url=top_up.checkout_url,
        started_at=top_up.started_at,
    )


def _key(request: HttpRequest) -> ApiKey:
    key: ApiKey = request.auth  # type: ignore[attr-defined]  # ninja puts it there
    return key


def _language() -> Language:
    is_chinese = (get_language() or "").startswith("zh")
    return Language.TRADITIONAL_CHINESE if is_chinese else Language.ENGLISH

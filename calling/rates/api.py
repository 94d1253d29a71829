"""The API of prices: a number's rate, and what a call costs (rules 6.1 and 6.2)."""

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from ninja import Query, Router, Schema
from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints

from accounts.api_access import NAMED, organisation_of
from accounts.models import Organisation, Scope
from accounts.refusals import TollgateError
from calling.classify import LONGEST_CALL
from calling.models import CallKind, Purpose
from calling.phone_numbers import Reading, read_number
from calling.quote import quote
from calling.rate import RateView
from calling.rates.price_list import (
    NextPrice,
    PriceList,
    country_of_rate,
    read_price_list,
)
from credits.api_money import MoneyOut, money_out

router = Router(tags=["rates"])

FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
# Without control characters, which no number has.
Number = Annotated[
    str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f]+$")
]


class NumberNotValid(TollgateError):
    code: ClassVar[str] = "number_not_valid"
    sentence: ClassVar[str | Promise] = _("The number cannot be understood.")
    status: ClassVar[int] = 422


class NoRate(TollgateError):
    code: ClassVar[str] = "no_rate"
    sentence: ClassVar[str | Promise] = _("The rate card has no rate for this number.")
    status: ClassVar[int] = 404


class NextPriceOut(Schema):
    """What a rate becomes; its price is null where it is no longer offered."""

    starts_at: datetime
    rate_per_minute: MoneyOut | None
    connect_fee: MoneyOut | None


class NumberRateOut(Schema):
    """The rate of the longest prefix; `blocked` destinations cannot be called."""

    number: str
    prefix: str
    destination: str
    country: str
    number_type: str
    rate_per_minute: MoneyOut
    connect_fee: MoneyOut
    minimum_charge: MoneyOut
    interval_1: int
    interval_n: int
    blocked: bool
    price_since: datetime
    next: NextPriceOut | None


class QuoteIn(Schema):
    """A call that nobody places; `at` is now unless said otherwise."""

    model_config = ConfigDict(extra="forbid")

    from_: Number = Field(alias="from")
    to: Number
    seconds: Annotated[int, Field(ge=0, le=LONGEST_CALL)]
    kind: CallKind | None = None
    at: Annotated[AwareDatetime, Field(ge=FIRST, lt=LAST)] | None = None


class PaidByOut(Schema):
    """What one source would pay: pool, credit, postpaid or debt."""

    source: str
    seconds: int
    amount: MoneyOut


class QuoteOut(Schema):
    """The cost, and its parts; a call that is free has no rate."""

    kind: str
    prefix: str
    destination: str
    country: str
    number_type: str
    rate_per_minute: MoneyOut
    connect_fee: MoneyOut
    interval_1: int
    interval_n: int
    billed_seconds: int
    cost: MoneyOut
    paid_by: list[PaidByOut]


@router.get(
    "/rates/lookup",
    response=NumberRateOut,
    summary="The rate of a number",
    openapi_extra=NAMED,
)
def get_rate(
    request: HttpRequest,
    number: Annotated[Number, Query()],
    purpose: Annotated[Purpose, Query()] = Purpose.CALLING,
) -> Any:
    organisation = organisation_of(request, Scope.RATES_READ)
    found = read_number(number, organisation.country)
    if found.reading is not Reading.E164 or found.e164 is None:
        raise NumberNotValid
    prices = read_price_list(
        organisation, organisation.currency, purpose.value, at=timezone.now()
    )
    rate = prices.find(found.e164) if prices is not None else None
    if prices is None or rate is None:
        raise NoRate
    return _rate_out(found.e164, rate, prices)


@router.post(
    "/quotes",
    response=QuoteOut,
    summary="What a call would cost, and who would pay",
    openapi_extra=NAMED,
)
def post_quote(request: HttpRequest, wanted: QuoteIn) -> Any:
    organisation = organisation_of(request, Scope.RATES_READ)
    return _quote_out(organisation, wanted)


def _rate_out(number: str, rate: RateView, prices: PriceList) -> NumberRateOut:
    currency = prices.version.currency
    coming = prices.next_price(rate)
    return NumberRateOut(
        number=number,
        prefix=rate.prefix,
        destination=rate.destination,
        country=country_of_rate(rate),
        number_type=rate.number_type,
        rate_per_minute=money_out(rate.rate_per_minute, currency),
        connect_fee=money_out(rate.connect_fee, currency),
        minimum_charge=money_out(rate.minimum_charge, currency),
        interval_1=rate.interval_1,
        interval_n=rate.interval_n,
        blocked=rate.is_blocked,
        price_since=prices.held_since([rate.prefix])[rate.prefix],
        next=_next_out(coming, currency) if coming is not None else None,
    )


def _next_out(coming: NextPrice, currency: str) -> NextPriceOut:
    rate = coming.rate
    if rate is None or rate.is_blocked:
        return NextPriceOut(
            starts_at=coming.starts_at, rate_per_minute=None, connect_fee=None
        )
    return NextPriceOut(
        starts_at=coming.starts_at,
        rate_per_minute=money_out(rate.rate_per_minute, currency),
        connect_fee=money_out(rate.connect_fee, currency),
    )


def _quote_out(organisation: Organisation, wanted: QuoteIn) -> QuoteOut:
    quoted = quote(
        caller=wanted.from_,
        callee=wanted.to,
        seconds=wanted.seconds,
        at=wanted.at or timezone.now(),
        kind=wanted.kind.value if wanted.kind else "",
        organisation=organisation,
    )
    rate, currency = quoted.rate, quoted.currency
    return QuoteOut(
        kind=quoted.kind,
        prefix=rate.prefix if rate else "",
        destination=rate.destination if rate else "",
        country=country_of_rate(rate) if rate else "",
        number_type=rate.number_type if rate else "",
        rate_per_minute=money_out(rate.rate_per_minute if rate else 0, currency),
        connect_fee=money_out(rate.connect_fee if rate else 0, currency),
        interval_1=rate.interval_1 if rate else 0,
        interval_n=rate.interval_n if rate else 0,
        billed_seconds=quoted.billed_seconds,
        cost=money_out(quoted.cost, currency),
        paid_by=[
            PaidByOut(
                source=part.source,
                seconds=part.seconds,
                amount=money_out(part.amount, currency),
            )
            for part in quoted.paid_by
        ],
    )

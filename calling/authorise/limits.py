"""The limits that hold for an organisation: of all that apply, the strictest each.

Those of the provider for everybody, its stricter ones for an organisation's first 30
days, what it set for one organisation, and the organisation's own (rule 9.1). Amounts
of another currency do not apply.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from calling.models import CallLimits
from credits.money import Micros

NEW_FOR = timedelta(days=30)


class Limits(NamedTuple):
    """Every limit may be absent; amounts in micros."""

    price_ceiling: Micros | None = None
    daily_spend: Micros | None = None
    call_cost: Micros | None = None
    longest_call_seconds: int | None = None
    concurrent_calls: int | None = None


NO_LIMITS = Limits()


class LimitsRow(NamedTuple):
    """A row of CallLimits."""

    for_new: bool
    currency: str
    limits: Limits
    by_provider: bool = False


def read_limits(organisation_id: int | None) -> list[LimitsRow]:
    """The rows of an organisation, or of the provider; one query."""
    rows = CallLimits.objects.filter(organisation=organisation_id).order_by("pk")
    names = ("for_new", "currency", "by_provider", *Limits._fields)
    return [
        LimitsRow(for_new, currency, Limits(*limits), by_provider)
        for for_new, currency, by_provider, *limits in rows.values_list(*names)
    ]


def strictest(
    provider: Iterable[LimitsRow],
    own: Iterable[LimitsRow],
    *,
    currency: str,
    opened_at: datetime,
    at: datetime,
) -> Limits:
    is_new = at < opened_at + NEW_FOR
    applying = [
        row.limits
        for row in (*provider, *own)
        if row.currency in {"", currency} and (is_new or not row.for_new)
    ]
    if not applying:
        return NO_LIMITS
    least = (
        min((value for value in values if value is not None), default=None)
        for values in zip(*applying, strict=True)
    )
    return Limits(*least)

"""Reads what claims are judged by, for many wallets at once (rules 5.2 to 5.4).

The number of statements does not depend on the number of wallets. The caller holds the
wallets' locks, so nothing of this changes until the claims are written.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Exists, F, Max, OuterRef

from accounts.models import BillingMode, Organisation
from billing.models import (
    OPEN_ATTEMPT,
    AutoRecharge,
    PaymentMethod,
    RechargeAttempt,
    RechargeCause,
    RechargeStop,
    TopUpTerms,
)
from billing.models.fields import micros_stored
from billing.recharging.read_recharges import read_past
from billing.recharging.recharge_caps import Past
from billing.tax_rates import Tax, read_taxes
from calling.authorise.codes import NO_FUNDING
from calling.models import DeniedCall, UsageDay
from credits.bulk import read_rows
from credits.money import Micros

UNUSED_AFTER = timedelta(days=30)
_micros = lru_cache(maxsize=1000)(micros_stored)


class Row(NamedTuple):
    """What an AutoRecharge and its organisation say, as read for many at once."""

    organisation_id: int
    currency: str
    amount: Micros
    monthly_limit: Micros
    consent_id: int
    card_id: int
    customer_id: str
    card_paused_at: datetime | None
    card_paused_because: str
    backup_id: int | None
    stopped_at: datetime | None
    only_when_used: bool
    catches_up: bool
    time_zone: str
    opened_at: datetime
    suspended_at: datetime | None
    country: str


COLUMNS = (
    "organisation_id",
    "currency",
    "amount",
    "monthly_limit",
    "consent_id",
    "payment_method_id",
    "payment_method__stripe_customer_id",
    "payment_method__suspended_at",
    "payment_method__suspended_code",
    "backup_id",
    "stopped_at",
    "only_when_used",
    "catches_up",
)
OWNER = ("time_zone", "opened_at", "suspended_at", "country")


@dataclass(frozen=True)
class Batch:
    """What was read once for all wallets of a batch."""

    at: datetime
    cause: RechargeCause
    is_asked: bool
    is_stopped: bool
    past: Mapping[int, list[Past]]
    last_used: Mapping[int, Any]
    largest: Mapping[str, Micros]
    taxes: Mapping[int, Tax]
    backups: Mapping[int | None, PaymentMethod]
    zones: Mapping[str, ZoneInfo]
    days: Mapping[str, date]


def read_due(organisation_ids: Collection[int]) -> list[Row]:
    """Those for which nothing is under way; a row left behind on NCE sells nothing."""
    under_way = RechargeAttempt.objects.filter(
        organisation=OuterRef("organisation"), state__in=OPEN_ATTEMPT
    )
    rows = AutoRecharge.objects.filter(
        ~Exists(under_way), organisation__among=set(organisation_ids)
    )
    found = read_rows(rows.order_by("organisation_id").values_list(*COLUMNS))
    # Read by their keys alone: joined, the planner would go through all there are.
    named = Organisation.objects.filter(
        pk__among={row[0] for row in found}, billing_mode=BillingMode.PREPAID
    )
    owners = {row[0]: row[1:] for row in read_rows(named.values_list("pk", *OWNER))}
    return [
        Row(pk, currency, _micros(amount), _micros(limit), *rest, *owners[pk])
        for pk, currency, amount, limit, *rest in found
        if pk in owners
    ]


def read_batch(
    rows: Collection[Row], *, cause: RechargeCause, at: datetime, is_asked: bool
) -> Batch:
    ids = [row.organisation_id for row in rows]
    picky = [row.organisation_id for row in rows if row.only_when_used]
    terms = TopUpTerms.objects.values_list("currency", "maximum_balance")
    zones = {name: ZoneInfo(name) for name in {row.time_zone for row in rows}}
    days = {name: at.astimezone(zone).date() for name, zone in zones.items()}
    return Batch(
        at=at,
        cause=cause,
        taxes=read_taxes(
            {row.organisation_id: (row.country, days[row.time_zone]) for row in rows}
        ),
        is_asked=is_asked,
        is_stopped=RechargeStop.in_force() is not None,
        past=read_past(ids, at=at),
        last_used=_read_last_used(picky, at),
        largest={currency: micros_stored(largest) for currency, largest in terms},
        backups=_read_backups(rows),
        zones=zones,
        days=days,
    )


def _read_backups(rows: Iterable[Row]) -> dict[int | None, PaymentMethod]:
    """Of those whose card is paused; mostly there are none, and nothing is read."""
    wanted = [row.backup_id for row in rows if row.card_paused_at and row.backup_id]
    if not wanted:
        return {}
    return {card.pk: card for card in PaymentMethod.objects.filter(pk__in=wanted)}


def _read_last_used(organisation_ids: Collection[int], at: datetime) -> dict[int, date]:
    """The last day of a paid call, or of one that was denied for want of money.

    A day too old may be left out, one near a day's border be told a day off.
    """
    since = at - UNUSED_AFTER - timedelta(days=1)
    paid = UsageDay.objects.filter(
        organisation__in=organisation_ids,
        day__gte=since.date(),
        amount__gt=F("pool_amount"),
    )
    used = dict(paid.order_by().values_list("organisation").annotate(Max("day")))
    unused = [pk for pk in organisation_ids if pk not in used]
    if unused:
        denied = DeniedCall.objects.filter(
            organisation__in=unused, code=NO_FUNDING, asked_at__gte=since
        )
        asked = denied.order_by().values_list("organisation").annotate(Max("asked_at"))
        used |= {pk: asked_at.date() for pk, asked_at in asked}
    return used

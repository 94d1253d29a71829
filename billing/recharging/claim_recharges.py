"""Claims recharges: decides under the wallets' locks who is charged (rules 5.2 to 5.4).

A claim is the sale, the attempt and its first try with the payment key, all written
before anyone calls Stripe. The number of statements does not depend on the number of
wallets; a single wallet is a batch of one. Whoever is below the trigger and not claimed
gets a reason, unless a recharge is under way.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, QuerySet

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
from billing.recharging.card_in_charge import stand_in
from billing.recharging.note_skipped import Skip, note_skipped
from billing.recharging.read_recharges import read_past
from billing.recharging.recharge_caps import (
    Past,
    cap_in_the_way,
    is_alarming,
    month_in_the_way,
    spent_in_month,
    times_to_catch_up,
)
from billing.recharging.tell_recharges import alarm_staff
from billing.recharging.write_claims import Claim, write_claims
from billing.tax_rates import Tax, read_taxes
from calling.authorise.codes import NO_FUNDING
from calling.models import DeniedCall, UsageDay
from credits.bulk import read_rows
from credits.lock import lock_wallets, lock_wanting_wallets
from credits.models import Wallet
from credits.money import Micros

UNUSED_AFTER = timedelta(days=30)


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
class _Batch:
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


def claim_one(
    organisation_id: int, *, cause: RechargeCause, at: datetime, is_asked: bool = False
) -> int | None:
    """The attempt claimed, or None; waits for the wallet.

    `is_asked`: somebody wants it charged now, whether or not it was used lately.
    """
    with transaction.atomic():
        wallets = lock_wallets([organisation_id])
        claimed = _claim(wallets, cause=cause, at=at, is_asked=is_asked)
    return claimed[0] if claimed else None


class Swept(NamedTuple):
    """The attempts claimed, and the last wallet looked at; 0 when none was left."""

    claimed: list[int]
    last: int


def claim_due(
    at: datetime,
    *,
    limit: int,
    after: int = 0,
    cause: RechargeCause = RechargeCause.SWEEP,
) -> Swept:
    """Claims for the next `limit` wallets that want a recharge, past `after`.

    Wallets that others hold are left to them.
    """
    with transaction.atomic():
        wallets = lock_wanting_wallets(due_wallets(after), limit)
        claimed = _claim(wallets, cause=cause, at=at)
    return Swept(claimed, max(wallets, default=0))


def due_wallets(after: int = 0) -> "QuerySet[Wallet]":
    """Those below their trigger for which nothing is under way, by index alone."""
    under_way = RechargeAttempt.objects.filter(
        organisation=OuterRef("pk"), state__in=OPEN_ATTEMPT
    )
    due = Wallet.objects.filter(recharge_wanted=True, pk__gt=after)
    return due.filter(~Exists(under_way)).order_by("pk")


def _claim(
    wallets: Mapping[int, Wallet],
    *,
    cause: RechargeCause,
    at: datetime,
    is_asked: bool = False,
) -> list[int]:
    """Judges each wallet that wants a recharge; writes the claims and the reasons."""
    wanting = [pk for pk, wallet in wallets.items() if wallet.recharge_wanted]
    if not wanting:
        return []
    rows = _read_rows(wanting)
    batch = _read_batch(rows, cause=cause, at=at, is_asked=is_asked)
    claims: list[Claim] = []
    skips: list[Skip] = []
    for row in rows:
        found = _judge(row, wallets[row.organisation_id], batch)
        if isinstance(found, Claim):
            claims.append(found)
        else:
            skips.append(found)
    note_skipped(skips, at=at)
    attempts = write_claims(claims, cause=cause, at=at)
    alarming = [
        claim.organisation_id
        for claim in claims
        if is_alarming(batch.past[claim.organisation_id], at=at)
    ]
    alarm_staff(alarming, at=at)
    return attempts


def _judge(row: Row, wallet: Wallet, batch: _Batch) -> Claim | Skip:
    zone = ZoneInfo(row.time_zone)
    past = batch.past[row.organisation_id]

    def skip(code: str, until: datetime | None = None) -> Skip:
        return Skip(
            row.organisation_id, code, zone, row.currency, row.monthly_limit, until
        )

    row = _on_backup(row, batch, zone)
    if code := _forbidden(row, batch, zone):
        return skip(code)
    if cap := cap_in_the_way(past, at=batch.at):
        return skip(cap.code, cap.until)
    amount = _amount(row, wallet, past, batch.at, zone)
    cap = month_in_the_way(amount, row.monthly_limit, past, at=batch.at, zone=zone)
    if cap is not None:
        return skip(cap.code, cap.until)
    held = wallet.credit - wallet.lapsed - wallet.debt + wallet.incoming
    if held + amount > batch.largest.get(row.currency, 0):
        return skip("above_maximum_balance")
    return Claim(
        row.organisation_id,
        row.currency,
        amount,
        row.consent_id,
        row.card_id,
        row.customer_id,
        batch.taxes[row.organisation_id],
    )


def _on_backup(row: Row, batch: _Batch, zone: ZoneInfo) -> Row:
    """On its backup, where that stands in for a paused card; else as it is."""
    backup = batch.backups.get(row.backup_id)
    today = batch.at.astimezone(zone).date()
    if (instead := stand_in(row.card_paused_because, backup, today)) is None:
        return row
    return row._replace(
        card_id=instead.pk, customer_id=instead.stripe_customer_id, card_paused_at=None
    )


def _forbidden(row: Row, batch: _Batch, zone: ZoneInfo) -> str:
    """What forbids any recharge here, limits aside; '' if nothing does."""
    unused_since = batch.at.astimezone(zone).date() - UNUSED_AFTER
    is_young = row.opened_at > batch.at - UNUSED_AFTER
    last_used = batch.last_used.get(row.organisation_id)
    reasons = {
        "all_stopped": batch.is_stopped,
        "stopped_by_staff": row.stopped_at is not None,
        "organisation_suspended": row.suspended_at is not None,
        "card_paused": row.card_paused_at is not None,
        "not_used": row.only_when_used
        and not (is_young or batch.is_asked)
        and (last_used is None or last_used < unused_since),
    }
    return next((code for code, applies in reasons.items() if applies), "")


def _amount(
    row: Row, wallet: Wallet, past: list[Past], at: datetime, zone: ZoneInfo
) -> Micros:
    """Exactly the recharge amount; with catch-up a whole multiple (rule 5.3)."""
    if not row.catches_up:
        return row.amount
    have = wallet.credit - wallet.lapsed - wallet.debt - wallet.reserved
    short = (wallet.trigger or 0) - have - wallet.incoming
    room = row.monthly_limit - spent_in_month(past, at=at, zone=zone)
    return row.amount * times_to_catch_up(short, row.amount, room)


def _read_rows(organisation_ids: Collection[int]) -> list[Row]:
    """Those for which nothing is under way; a row left behind on NCE sells nothing."""
    under_way = RechargeAttempt.objects.filter(
        organisation=OuterRef("organisation"), state__in=OPEN_ATTEMPT
    )
    rows = AutoRecharge.objects.filter(
        ~Exists(under_way), organisation__in=organisation_ids
    )
    found = read_rows(rows.order_by("organisation_id").values_list(*COLUMNS))
    # Read by their keys alone: joined, the planner would go through all there are.
    named = Organisation.objects.filter(
        pk__in=[pk for pk, *_ in found], billing_mode=BillingMode.PREPAID
    )
    owners = {
        pk: facts
        for pk, *facts in read_rows(named.order_by("pk").values_list("pk", *OWNER))
    }
    return [
        Row(
            pk,
            currency,
            micros_stored(amount),
            micros_stored(limit),
            *rest,
            *owners[pk],
        )
        for pk, currency, amount, limit, *rest in found
        if pk in owners
    ]


def _buyer(row: Row, at: datetime) -> tuple[str, date]:
    return row.country, at.astimezone(ZoneInfo(row.time_zone)).date()


def _read_batch(
    rows: Collection[Row], *, cause: RechargeCause, at: datetime, is_asked: bool
) -> _Batch:
    ids = [row.organisation_id for row in rows]
    picky = [row.organisation_id for row in rows if row.only_when_used]
    terms = TopUpTerms.objects.values_list("currency", "maximum_balance")
    return _Batch(
        at=at,
        cause=cause,
        taxes=read_taxes({row.organisation_id: _buyer(row, at) for row in rows}),
        is_asked=is_asked,
        is_stopped=RechargeStop.in_force() is not None,
        past=read_past(ids, at=at),
        last_used=_read_last_used(picky, at),
        largest={currency: micros_stored(largest) for currency, largest in terms},
        backups=_read_backups(rows),
    )


def _read_backups(rows: Collection[Row]) -> dict[int | None, PaymentMethod]:
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

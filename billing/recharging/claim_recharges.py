"""Claims recharges: decides under the wallets' locks who is charged (rules 5.2 to 5.4).

A claim is the sale, the attempt and its first try with the payment key, all written
before anyone calls Stripe. The number of statements does not depend on the number of
wallets; a single wallet is a batch of one. Whoever is below the trigger and not claimed
gets a reason, unless a recharge is under way.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from billing.models import OPEN_ATTEMPT, RechargeAttempt, RechargeCause
from billing.recharging.card_in_charge import stand_in
from billing.recharging.note_skipped import Skip, note_skipped
from billing.recharging.read_due import (
    UNUSED_AFTER,
    Batch,
    Row,
    read_batch,
    read_due,
)
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
from credits.lock import WantingWallet, lock_wallets, lock_wanting_wallets
from credits.models import Wallet
from credits.money import Micros


class _Why(NamedTuple):
    """Why a wallet is not charged; `until` where that is known."""

    code: str
    until: datetime | None = None


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
    wallets: Mapping[int, Wallet] | Mapping[int, WantingWallet],
    *,
    cause: RechargeCause,
    at: datetime,
    is_asked: bool = False,
) -> list[int]:
    """Judges each wallet that wants a recharge; writes the claims and the reasons."""
    wanting = [pk for pk, wallet in wallets.items() if wallet.recharge_wanted]
    if not wanting:
        return []
    rows = read_due(wanting)
    batch = read_batch(rows, cause=cause, at=at, is_asked=is_asked)
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
        if is_alarming(batch.past.get(claim.organisation_id, []), at=at)
    ]
    alarm_staff(alarming, at=at)
    return attempts


def _judge(row: Row, wallet: Wallet | WantingWallet, batch: Batch) -> Claim | Skip:
    found = _decide(row, wallet, batch)
    if isinstance(found, Claim):
        return found
    return Skip(
        row.organisation_id,
        found.code,
        batch.zones[row.time_zone],
        row.currency,
        row.monthly_limit,
        found.until,
    )


def _decide(row: Row, wallet: Wallet | WantingWallet, batch: Batch) -> Claim | _Why:
    zone = batch.zones[row.time_zone]
    past = batch.past.get(row.organisation_id, [])
    if row.card_paused_because:
        row = _on_backup(row, batch)
    if code := _forbidden(row, batch):
        return _Why(code)
    if cap := cap_in_the_way(past, at=batch.at):
        return _Why(cap.code, cap.until)
    amount = _amount(row, wallet, past, batch.at, zone)
    cap = month_in_the_way(amount, row.monthly_limit, past, at=batch.at, zone=zone)
    if cap is not None:
        return _Why(cap.code, cap.until)
    held = wallet.credit - wallet.lapsed - wallet.debt + wallet.incoming
    if held + amount > batch.largest.get(row.currency, 0):
        return _Why("above_maximum_balance")
    return Claim(
        row.organisation_id,
        row.currency,
        amount,
        row.consent_id,
        row.card_id,
        row.customer_id,
        batch.taxes[row.organisation_id],
    )


def _on_backup(row: Row, batch: Batch) -> Row:
    """On its backup, where that stands in for a paused card; else as it is."""
    backup = batch.backups.get(row.backup_id)
    instead = stand_in(row.card_paused_because, backup, batch.days[row.time_zone])
    if instead is None:
        return row
    return row._replace(
        card_id=instead.pk, customer_id=instead.stripe_customer_id, card_paused_at=None
    )


def _forbidden(row: Row, batch: Batch) -> str:
    """What forbids any recharge here, limits aside; '' if nothing does."""
    if batch.is_stopped:
        return "all_stopped"
    if row.stopped_at is not None:
        return "stopped_by_staff"
    if row.suspended_at is not None:
        return "organisation_suspended"
    if row.card_paused_at is not None:
        return "card_paused"
    return "not_used" if row.only_when_used and _is_unused(row, batch) else ""


def _is_unused(row: Row, batch: Batch) -> bool:
    if batch.is_asked or row.opened_at > batch.at - UNUSED_AFTER:
        return False
    last_used = batch.last_used.get(row.organisation_id)
    return last_used is None or last_used < batch.days[row.time_zone] - UNUSED_AFTER


def _amount(
    row: Row,
    wallet: Wallet | WantingWallet,
    past: list[Past],
    at: datetime,
    zone: ZoneInfo,
) -> Micros:
    """Exactly the recharge amount; with catch-up a whole multiple (rule 5.3)."""
    if not row.catches_up:
        return row.amount
    have = wallet.credit - wallet.lapsed - wallet.debt - wallet.reserved
    short = (wallet.trigger or 0) - have - wallet.incoming
    room = row.monthly_limit - spent_in_month(past, at=at, zone=zone)
    return row.amount * times_to_catch_up(short, row.amount, room)

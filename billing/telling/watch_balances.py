"""Tells of balances that run low, are used up, go below zero, and are back (rule 11).

A sweep over the wallets that moved since the last one: those with new ledger entries,
found by a bookmark, and those whose lots expired just now. Nobody's debit is slowed by
it and no wallet is read that did not move. Each condition is told of once, and again
only after it had cleared by 10 %: of the threshold for low, and for zero by a tenth of
that threshold, so that a balance around zero does not send a mail with every call.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max
from django.urls import reverse

from accounts.emit_event import emit_event, event_data
from accounts.episodes import close_episode, open_episode
from accounts.models import (
    BalanceAlert,
    Bookmark,
    NoticeEpisode,
    NoticeKind,
    Organisation,
)
from accounts.notify import owe_notice
from accounts.webhook_events import BALANCE_RESTORED
from billing.models import AutoRecharge
from billing.overview import read_overview
from billing.telling.balance_alert import usual_threshold
from credits.models import LedgerEntry, Lot, Wallet
from credits.money import Micros, currency_of
from credits.statement import Balance, balance_of

LOW, ZERO = NoticeKind.LOW_BALANCE, NoticeKind.BALANCE_ZERO
BELOW = NoticeKind.BALANCE_BELOW_ZERO
KINDS = (LOW, ZERO, BELOW)
CLEARED_BY = 10  # a tenth
BOOKMARK = "billing.telling.watch_balances"
# Longer than any transaction lasts: what was booked before is there to be seen.
STILL_COMING = timedelta(minutes=2)
JUST_EXPIRED = timedelta(hours=1)
WALLETS_AT_ONCE = 500


@dataclass(frozen=True)
class Watched:
    """A wallet as it stands, what is low for it, and what it was told of."""

    organisation: Organisation
    balance: Balance
    threshold: Micros
    told: frozenset[NoticeKind]
    at: datetime

    @property
    def margin(self) -> Micros:
        """How far above zero a balance is back."""
        step = currency_of(self.balance.currency).step
        return max(self.threshold // CLEARED_BY, step)

    def holds(self, kind: NoticeKind) -> bool:
        available = self.balance.available
        if kind is LOW:
            return available < self.threshold
        return available <= 0 if kind is ZERO else self.balance.debt > 0

    def has_cleared(self, kind: NoticeKind) -> bool:
        least = self.margin
        if kind is LOW:
            least = self.threshold + self.threshold // CLEARED_BY
        return not self.balance.debt and self.balance.available >= least


def watch_balances(at: datetime) -> int:
    """How many messages became due; safe to repeat, also at once with another."""
    position = Bookmark.objects.filter(name=BOOKMARK).values_list("position", flat=True)
    since = position.first() or 0
    moved = sorted(_moved(since, at))
    told = sum(
        tell_of_balances(moved[start : start + WALLETS_AT_ONCE], at)
        for start in range(0, len(moved), WALLETS_AT_ONCE)
    )
    Bookmark.objects.update_or_create(
        name=BOOKMARK, defaults={"position": _all_seen(since, at)}
    )
    return told


def tell_of_balances(organisation_ids: Collection[int], at: datetime) -> int:
    """Opens and closes the episodes of these wallets, and owes what is new."""
    return sum(_tell(watched) for watched in list(_watched(organisation_ids, at)))


def _moved(since: int, at: datetime) -> set[int]:
    entries = LedgerEntry.objects.filter(pk__gt=since).order_by()
    expired = Lot.objects.live().filter(
        expires_at__gt=at - JUST_EXPIRED, expires_at__lte=at
    )
    return {
        *entries.values_list("organisation_id", flat=True).distinct(),
        *expired.values_list("organisation_id", flat=True).distinct(),
    }


def _all_seen(since: int, at: datetime) -> int:
    """Up to here nothing is missing: an entry that is still coming is a later one."""
    settled = LedgerEntry.objects.filter(
        pk__gt=since, booked_at__lte=at - STILL_COMING
    ).order_by()
    newest: int | None = settled.aggregate(newest=Max("pk"))["newest"]
    return newest or since


def _watched(organisation_ids: Collection[int], at: datetime) -> Iterator[Watched]:
    """Four statements whatever their number, one more per lot that just expired."""
    wallets = Wallet.objects.filter(pk__in=organisation_ids)
    alerts = BalanceAlert.objects.filter(organisation__in=organisation_ids)
    own = dict(alerts.values_list("organisation_id", "threshold"))
    told: dict[int, set[NoticeKind]] = {}
    running = NoticeEpisode.objects.filter(
        organisation__in=organisation_ids, kind__in=KINDS, subject="", closed_at=None
    )
    for organisation_id, kind in running.values_list("organisation_id", "kind"):
        told.setdefault(organisation_id, set()).add(NoticeKind(kind))
    usual: dict[str, Micros] = {}
    for wallet in wallets.select_related("organisation").order_by("pk"):
        if wallet.currency not in usual:
            usual[wallet.currency] = usual_threshold(wallet.currency)
        yield Watched(
            wallet.organisation,
            balance_of(wallet, at),
            own.get(wallet.pk, usual[wallet.currency]),
            frozenset(told.get(wallet.pk, ())),
            at,
        )


def _tell(watched: Watched) -> int:
    organisation, told = watched.organisation, 0
    buys = organisation.buys_credits and organisation.closed_at is None
    with transaction.atomic():
        for kind in KINDS:
            if buys and watched.holds(kind):
                told += kind not in watched.told and _open(kind, watched)
            elif kind in watched.told and (watched.has_cleared(kind) or not buys):
                _close(kind, watched)
    return told


def _open(kind: NoticeKind, watched: Watched) -> bool:
    episode = open_episode(
        kind,
        organisation=watched.organisation,
        threshold=watched.threshold if kind is LOW else 0,
        at=watched.at,
    )
    if episode is None or (kind is LOW and watched.holds(ZERO)):
        return False  # another sweep was first, or the next message says more
    owe_notice(
        kind,
        organisation=watched.organisation,
        episode=episode.key,
        context={
            **_facts(kind, watched),
            "currency": watched.balance.currency,
            "path": reverse("credits"),
        },
        at=watched.at,
    )
    return True


def _close(kind: NoticeKind, watched: Watched) -> None:
    organisation, at = watched.organisation, watched.at
    closed = close_episode(kind, organisation=organisation, at=at)
    if closed and kind is ZERO and watched.balance.available > 0:
        facts: dict[str, str | int] = {
            "available": watched.balance.available,
            "currency": watched.balance.currency,
            "path": reverse("credits"),
        }
        reference = f"restored:{at.isoformat()}"
        data = event_data(facts)
        emit_event(organisation, BALANCE_RESTORED, data, reference=reference, at=at)


def _facts(kind: NoticeKind, watched: Watched) -> dict[str, str | int]:
    if kind is ZERO:
        return {"stopped_at": _used_up_at(watched).isoformat()}
    if kind is BELOW:
        return {"debt": watched.balance.debt}
    organisation, at = watched.organisation, watched.at
    ahead = read_overview(organisation, at).forecast
    runs_out_on = ahead.runs_out_on if ahead else None
    today = organisation.local_day(at)
    return {
        "available": watched.balance.available,
        "threshold": watched.threshold,
        "days_left": max(1, (runs_out_on - today).days) if runs_out_on else 0,
        "runs_out_on": runs_out_on.isoformat() if runs_out_on else "",
        "has_recharge": int(
            AutoRecharge.objects.filter(organisation=organisation).exists()
        ),
        "counts_recharge": int(bool(ahead and ahead.counts_recharge)),
    }


def _used_up_at(watched: Watched) -> datetime:
    """When the last of it went: with the newest entry, or when a lot expired."""
    organisation, at = watched.organisation, watched.at
    entries = LedgerEntry.objects.filter(organisation=organisation)
    newest = entries.order_by("-wallet_seq").first()
    expired = Lot.objects.live().filter(organisation=organisation, expires_at__lte=at)
    latest: datetime | None = expired.aggregate(at=Max("expires_at"))["at"]
    moments = [newest.booked_at] if newest else []
    return max([*moments, latest] if latest else moments, default=at)

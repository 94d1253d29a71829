"""Tells of credit that expires, and of credit that has (rules 3.8 and 11, museum A40).

At 60, 30, 7 and 1 days before the last day where the lot's days are counted, with the
loss to be expected at the current pace; a lot younger than a step begins with the next.
Each step of a lot once, noted on the lot in the transaction that owes the message. What
was posted as expired is told once.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, Sum
from django.urls import reverse

from accounts.models import NoticeKind, Organisation
from accounts.notify import owe_notice
from billing.activity import read_days_of_calls
from credits.forecast import forecast, pace_of
from credits.funds import funds_ahead, last_day_of
from credits.models import EntryKind, LedgerEntry, Lot
from credits.money import Micros
from credits.statement import balance_of, list_lots

STEPS = (1, 7, 30, 60)  # days before the last day
TOLD = 0  # in place of a step: that it has expired
A_DAY, AN_HOUR = timedelta(days=1), timedelta(hours=1)
Losses = dict[int, Micros]


def remind_of_expiry(at: datetime, *, after: int = 0, limit: int = 200) -> int:
    """Owes the reminders that are due; goes through the lots above `after`.

    Returns the last lot looked at, 0 when there are no more.
    """
    soon = Q()
    for step in STEPS:
        # Superset of the day, wherever it begins; `_step_of` decides.
        is_near = Q(expires_at__lte=at + (step + 1) * A_DAY + AN_HOUR)
        soon |= is_near & (Q(reminded_days=None) | Q(reminded_days__gt=step))
    lots = Lot.objects.spendable(at).filter(soon, pk__gt=after).order_by("pk")
    found = list(lots.select_related("organisation__wallet")[:limit])
    losses: dict[int, Losses | None] = {}
    for lot in found:
        reached = _step_of(lot, at)
        if reached is not None:
            mine = lot.organisation
            if mine.pk not in losses:
                losses[mine.pk] = expected_losses(mine, at)
            _remind(lot, reached, losses[mine.pk], at=at)
    return found[-1].pk if len(found) == limit else 0


def tell_of_expired(at: datetime, *, limit: int = 200) -> int:
    """Owes the messages about lots that were posted as expired; how many were seen."""
    untold = Q(reminded_days=None) | Q(reminded_days__gt=TOLD)
    gone = Lot.objects.filter(
        untold, lapsed_at__isnull=False, exhausted_at__isnull=False
    )
    lots = list(gone.select_related("organisation").order_by("pk")[:limit])
    lost = _posted(lots)
    for lot in lots:
        with transaction.atomic():
            if _note(lot, TOLD) and lost.get(lot.pk):
                _owe_expired(lot, lost[lot.pk], at=at)
    return len(lots)


def expected_losses(organisation: Organisation, at: datetime) -> Losses | None:
    """By lot, what will not be used in time; None where the pace is not known."""
    today = organisation.local_day(at)
    calls = read_days_of_calls(organisation, today=today)
    pace = pace_of(
        {day: of_day.amount for day, of_day in calls.items()},
        since=organisation.local_day(organisation.opened_at),
        today=today,
    )
    lots = list_lots(organisation.pk, at)
    debt = balance_of(organisation.wallet, at).debt
    ahead = forecast(pace, funds_ahead(lots), today=today, debt=debt)
    if ahead is None:
        return None
    return {
        lot.pk: outcome.unused
        for lot, outcome in zip(lots, ahead.outcomes, strict=True)
    }


def _step_of(lot: Lot, at: datetime) -> int | None:
    """The step that the lot has reached and was not reminded of."""
    today = at.astimezone(lot.zone).date()
    days_left = (last_day_of(lot) - today).days
    step = next((step for step in STEPS if days_left <= step), None)
    reminded = lot.reminded_days
    return step if step and (reminded is None or step < reminded) else None


def _remind(lot: Lot, step: int, losses: Losses | None, *, at: datetime) -> None:
    with transaction.atomic():
        if not _note(lot, step):
            return
        last_day = last_day_of(lot)
        owe_notice(
            NoticeKind.CREDITS_EXPIRING,
            organisation=lot.organisation,
            episode=f"lot:{lot.pk}:{last_day}:{step}",
            context={
                "amount": lot.remaining,
                "currency": lot.currency,
                "days": (last_day - at.astimezone(lot.zone).date()).days,
                "expires_at": lot.expires_at.isoformat(),
                "unused": "" if losses is None else losses.get(lot.pk, 0),
                "path": reverse("credits"),
            },
            at=at,
        )


def _note(lot: Lot, step: int) -> int:
    """Once, whoever else is at it."""
    untold = Q(reminded_days=None) | Q(reminded_days__gt=step)
    return Lot.objects.filter(untold, pk=lot.pk).update(reminded_days=step)


def _posted(lots: Iterable[Lot]) -> dict[int, Micros]:
    """What stands as expired, by lot; reversals are entries of the same kind."""
    mine = list(lots)
    entries = LedgerEntry.objects.filter(
        organisation__in={lot.organisation_id for lot in mine},
        kind=EntryKind.EXPIRE,
        lot__in=mine,
    )
    sums = entries.order_by().values_list("lot").annotate(sum=Sum("amount"))
    return {lot_id: -amount for lot_id, amount in sums if lot_id}


def _owe_expired(lot: Lot, amount: Micros, *, at: datetime) -> None:
    owe_notice(
        NoticeKind.CREDITS_EXPIRED,
        organisation=lot.organisation,
        episode=f"lot:{lot.pk}:expired",
        context={
            "amount": amount,
            "currency": lot.currency,
            "expired_at": lot.expires_at.isoformat(),
            "path": reverse("credits"),
        },
        at=at,
    )

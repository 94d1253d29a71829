"""Puts every running subscription's twin of the other billing mode in its place.

A twin is of the same family, version and currency (rule 1.5). The old subscription ends
at the moment the new one begins, and each line that has a licence has the twin's from
then on. Pools are keyed by the family and sized by counts, so used minutes carry over
and nothing is granted twice; nor is a fee billed twice, since the twin begins when the
other ends. Locks the wallet.
"""

from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import Max, Q, QuerySet

from accounts.models import BillingMode, Organisation
from calling.models import CallingPlan, Licence, Subscription
from calling.refusals import NoTwinPlan
from calling.resize_pools import resize_pools
from credits.lock import lock_wallet


class Swap(NamedTuple):
    """A subscription and the plan that takes its plan's place; None: there is none."""

    subscription: Subscription
    twin: CallingPlan | None


def plan_swaps(
    organisation: Organisation, mode: BillingMode, *, at: datetime
) -> list[Swap]:
    """What a move to this mode would swap; two statements, nothing locked."""
    mine = list(_not_ended(organisation, at).order_by("pk"))
    twins = {
        (twin.family, twin.version): twin
        for twin in CallingPlan.objects.filter(
            billing_mode=mode,
            price_currency=organisation.currency,
            family__in={one.plan.family for one in mine},
        )
    }
    return [Swap(one, twins.get((one.plan.family, one.plan.version))) for one in mine]


def swap_plans(organisation: Organisation, *, at: datetime) -> list[Swap]:
    """Swaps them for twins of the mode the organisation has by now.

    `at` is later than anything the organisation has (`latest_beginning`). Raises
    NoTwinPlan where the catalogue has no twin.
    """
    with transaction.atomic():
        lock_wallet(organisation.pk)
        swaps = plan_swaps(organisation, organisation.mode, at=at)
        for swap in swaps:
            if swap.twin is None:
                raise NoTwinPlan(plan=swap.subscription.plan.name)
            _swap(swap.subscription, swap.twin, at)
        resize_pools(organisation, at=at)
    return swaps


def latest_beginning(organisation: Organisation) -> datetime | None:
    """When the newest subscription or licence began; None without any."""
    begun = Subscription.objects.filter(organisation=organisation)
    given = Licence.objects.filter(organisation=organisation)
    newest = (
        begun.aggregate(latest=Max("starts_at"))["latest"],
        given.aggregate(latest=Max("assigned_at"))["latest"],
    )
    return max((moment for moment in newest if moment is not None), default=None)


def _not_ended(organisation: Organisation, at: datetime) -> QuerySet[Subscription]:
    """Also those that somebody's clock, ahead of ours, lets begin in a moment."""
    running = Q(ends_at=None) | Q(ends_at__gt=at)
    mine = Subscription.objects.filter(running, organisation=organisation)
    return mine.select_related("plan")


def _swap(old: Subscription, twin: CallingPlan, at: datetime) -> None:
    ends_at, old.ends_at = old.ends_at, at
    old.save(update_fields=["ends_at"])
    new = Subscription.objects.create(
        organisation=Organisation.objects.get(pk=old.organisation_id),
        plan=twin,
        quantity=old.quantity,
        starts_at=at,
        ends_at=ends_at,
    )
    _carry_licences(old, new, at)


def _carry_licences(old: Subscription, new: Subscription, at: datetime) -> None:
    held = old.licence_rows.filter(released_at=None)
    carried = [
        Licence(
            organisation_id=licence.organisation_id,
            subscription=new,
            line_id=licence.line_id,
            assigned_at=at,
        )
        for licence in held
    ]
    held.update(released_at=at)
    Licence.objects.bulk_create(carried)

"""Which subscriptions and licences are in force at a moment (rule 12)."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Q, QuerySet

from accounts.models import Organisation
from calling.models import CallingPlan, Licence, Line, Subscription


def running_subscriptions(
    organisation: Organisation, at: datetime
) -> QuerySet[Subscription]:
    return Subscription.objects.filter(
        Q(ends_at=None) | Q(ends_at__gt=at),
        organisation=organisation,
        starts_at__lte=at,
    ).select_related("plan")


def running_licences(organisation: Organisation, at: datetime) -> QuerySet[Licence]:
    """Licences that a line has, of subscriptions that have not ended."""
    return Licence.objects.filter(
        Q(released_at=None) | Q(released_at__gt=at),
        Q(subscription__ends_at=None) | Q(subscription__ends_at__gt=at),
        organisation=organisation,
        assigned_at__lte=at,
    ).select_related("subscription__plan", "line")


def offered_plans(organisation: Organisation) -> QuerySet[CallingPlan]:
    """What is sold in the organisation's billing mode and currency (rule 1.2)."""
    return CallingPlan.objects.filter(
        billing_mode=organisation.billing_mode,
        price_currency=organisation.currency,
        is_active=True,
        superseded_at=None,
    ).prefetch_related("buckets")


def families_of(line: Line, at: datetime) -> set[str]:
    """The families of the plans a line has a licence of."""
    mine = running_licences(line.organisation, at).filter(line=line)
    return set(mine.values_list("subscription__plan__family", flat=True))


def plan_names(organisation: Organisation, families: Collection[str]) -> dict[str, str]:
    """By family, what the organisation's plan of it is called."""
    plans = CallingPlan.objects.filter(
        family__in=families, billing_mode=organisation.billing_mode
    )
    return dict(plans.order_by("version").values_list("family", "name"))

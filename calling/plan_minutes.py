"""How many of this month's included minutes are left, pool by pool (rule 7.1)."""

from dataclasses import dataclass
from datetime import date

from django.db.models import OuterRef, Subquery

from accounts.models import Organisation
from calling.models import Bucket, CallingPlan, MinutePool
from credits.funds import share_text


@dataclass(frozen=True)
class PlanMinutes:
    """One pool of the month that runs now."""

    pk: int
    plan: str
    bucket: Bucket
    country: str
    line: str
    granted: int
    left: int
    share: str


def read_plan_minutes(
    organisation: Organisation, *, today: date
) -> tuple[PlanMinutes, ...]:
    """One statement; whole minutes, what is left cut down."""
    plans = CallingPlan.objects.filter(
        family=OuterRef("family"), billing_mode=organisation.billing_mode
    )
    pools = (
        MinutePool.objects.filter(
            organisation=organisation, period_start=today.replace(day=1)
        )
        .select_related("line")
        .annotate(plan_name=Subquery(plans.order_by("-version").values("name")[:1]))
    )
    return tuple(
        PlanMinutes(
            pk=pool.pk,
            plan=pool.plan_name or pool.family,
            bucket=Bucket(pool.bucket),
            country=pool.usage_country,
            line=pool.line.name if pool.line else "",
            granted=pool.granted_seconds // 60,
            left=pool.remaining_seconds // 60,
            share=share_text(pool.remaining_seconds, pool.granted_seconds),
        )
        for pool in pools.order_by("usage_country", "family", "bucket", "id")
    )

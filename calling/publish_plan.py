"""A plan goes on sale; where its family has one, as the next version (rule 1.5).

The version before is replaced: it is sold no more, and its subscriptions keep it with
everything it includes and costs. Locks the version that is replaced.
"""

from datetime import datetime

from django.db import transaction

from accounts.audit import record_audit
from accounts.models import User
from calling.models import CallingPlan


def publish_plan(
    plan: CallingPlan, *, at: datetime, actor: User | None = None
) -> CallingPlan:
    """The plan, saved; its buckets follow before anybody subscribes."""
    with transaction.atomic():
        before = (
            CallingPlan.objects.select_for_update()
            .filter(
                family=plan.family,
                billing_mode=plan.billing_mode,
                price_currency=str(plan.price.currency),
                superseded_at=None,
            )
            .first()
        )
        if before is not None:
            before.superseded_at, before.is_active = at, False
            before.save(update_fields=["superseded_at", "is_active"])
            plan.version = before.version + 1
        plan.save()
        record_audit(
            "publish_plan",
            at=at,
            actor=actor,
            object=f"plan:{plan.slug}",
            before=_told(before) if before is not None else None,
            after=_told(plan),
        )
    return plan


def _told(plan: CallingPlan) -> dict[str, object]:
    price = f"{plan.price.amount} {plan.price.currency}"
    return {"plan": plan.slug, "version": plan.version, "price": price}

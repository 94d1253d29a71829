"""An organisation takes N licences of a plan (rule 1.6).

Only plans of its own billing mode and currency; what the plan requires must be there,
and one subscription per plan, so a second click changes nothing. The minutes are there
at once. Locks the wallet.
"""

from datetime import datetime

from django.db import transaction

from accounts.audit import record_audit
from accounts.models import Organisation, User
from calling.models import CallingPlan, Subscription
from calling.refusals import AlreadySubscribed, PlanNotOffered, PlanRequired
from calling.resize_pools import resize_pools
from calling.running import offered_plans, plan_names, running_subscriptions
from credits.lock import lock_wallet


def subscribe(
    organisation: Organisation,
    plan: CallingPlan,
    quantity: int,
    *,
    at: datetime,
    actor: User | None = None,
    ip: str | None = None,
) -> Subscription:
    with transaction.atomic():
        lock_wallet(organisation.pk)
        organisation.refresh_from_db(fields=["billing_mode"])
        if not offered_plans(organisation).filter(pk=plan.pk).exists():
            raise PlanNotOffered
        _check(organisation, plan, at)
        subscription = Subscription.objects.create(
            organisation=organisation, plan=plan, quantity=quantity, starts_at=at
        )
        resize_pools(organisation, at=at)
        record_audit(
            "subscribe",
            at=at,
            organisation=organisation,
            actor=actor,
            object=f"subscription:{subscription.pk}",
            after={"plan": plan.slug, "licences": quantity},
            ip=ip,
        )
    return subscription


def _check(organisation: Organisation, plan: CallingPlan, at: datetime) -> None:
    families = {
        subscription.plan.family
        for subscription in running_subscriptions(organisation, at)
    }
    if plan.family in families:
        raise AlreadySubscribed
    if plan.requires and plan.requires not in families:
        names = plan_names(organisation, [plan.requires])
        required = names.get(plan.requires, plan.requires)
        raise PlanRequired(plan=plan.name, required=required)

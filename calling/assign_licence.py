"""A line gets one of a subscription's licences, or gives it back (rules 1.5, 1.6).

The plan must be sold for the line's usage country, and the line must have what the plan
requires. A licence counts from this moment; one given back leaves the month's minutes
as they are. Asked twice, it does nothing more. Locks the wallet.
"""

from datetime import datetime

from django.db import transaction

from accounts.audit import record_audit
from accounts.models import User
from calling.models import Licence, Line, Subscription
from calling.refusals import (
    LineNotInUse,
    NoLicenceLeft,
    PlanNotForCountry,
    PlanRequired,
    PlanStillNeeded,
    SubscriptionEnded,
)
from calling.resize_pools import resize_pools
from calling.running import families_of, plan_names, running_licences
from credits.lock import lock_wallet


def assign_licence(
    subscription: Subscription,
    line: Line,
    *,
    at: datetime,
    actor: User | None = None,
    ip: str | None = None,
) -> Licence:
    """The licence, made now unless the line has it."""
    organisation = subscription.organisation
    with transaction.atomic():
        lock_wallet(organisation.pk)
        subscription.refresh_from_db(fields=["quantity", "ends_at"])
        given = running_licences(organisation, at).filter(subscription=subscription)
        licence = given.filter(line=line).first()
        if licence is not None:
            return licence
        _check(subscription, line, at)
        if given.count() >= subscription.quantity:
            raise NoLicenceLeft(plan=subscription.plan.name)
        licence = Licence.objects.create(
            organisation=organisation,
            subscription=subscription,
            line=line,
            assigned_at=at,
        )
        resize_pools(organisation, at=at)
        _record("assign_licence", licence, at, (actor, ip, ""))
    return licence


def _check(subscription: Subscription, line: Line, at: datetime) -> None:
    plan = subscription.plan
    if not line.is_active:
        raise LineNotInUse
    if subscription.ends_at is not None and subscription.ends_at <= at:
        raise SubscriptionEnded
    if not plan.covers(line.usage_country):
        raise PlanNotForCountry(plan=plan.name, country=line.usage_country)
    if plan.requires and plan.requires not in families_of(line, at):
        names = plan_names(subscription.organisation, [plan.requires])
        required = names.get(plan.requires, plan.requires)
        raise PlanRequired(plan=plan.name, required=required)


def release_licence(
    licence: Licence,
    *,
    at: datetime,
    actor: User | None = None,
    ip: str | None = None,
    reason: str = "",
) -> Licence:
    """Takes the licence off its line; it can be given to another at once."""
    organisation = licence.organisation
    with transaction.atomic():
        lock_wallet(organisation.pk)
        licence.refresh_from_db(fields=["released_at"])
        if licence.released_at is not None:
            return licence
        plan = licence.subscription.plan
        for other in running_licences(organisation, at).filter(line=licence.line_id):
            needed = other.subscription.plan
            if needed.requires == plan.family:
                raise PlanStillNeeded(plan=plan.name, dependent=needed.name)
        licence.released_at = at
        licence.save(update_fields=["released_at"])
        resize_pools(organisation, at=at)
        _record("release_licence", licence, at, (actor, ip, reason))
    return licence


def _record(
    verb: str, licence: Licence, at: datetime, who: tuple[User | None, str | None, str]
) -> None:
    actor, ip, reason = who
    record_audit(
        verb,
        at=at,
        organisation=licence.organisation,
        actor=actor,
        object=f"line:{licence.line_id}",
        after={"plan": licence.subscription.plan.slug, "licence": licence.pk},
        reason=reason,
        ip=ip,
    )

"""A subscription ends with the month, or goes on after all (rule 1.6).

Its licences and minutes stay until then. What other plans require cannot end before
them. Asked twice, it does nothing more. Locks the wallet, then the subscription.
"""

from datetime import datetime

from django.db import transaction

from accounts.audit import record_audit
from accounts.models import User
from calling.models import Subscription
from calling.pro_rata import rest_of_month
from calling.refusals import AlreadySubscribed, PlanStillNeeded, SubscriptionEnded
from calling.running import running_subscriptions
from credits.lock import lock_wallet


def cancel_subscription(
    subscription: Subscription,
    *,
    at: datetime,
    actor: User | None = None,
    ip: str | None = None,
    reason: str = "",
) -> Subscription:
    """The subscription, which ends where the organisation's next month begins."""
    with transaction.atomic():
        now = _lock(subscription)
        if now.ends_at is not None:
            return now
        zone = now.organisation.zone
        for other in running_subscriptions(now.organisation, at).filter(ends_at=None):
            if other.plan.requires == now.plan.family:
                facts = {"plan": now.plan.name, "dependent": other.plan.name}
                raise PlanStillNeeded(**facts)
        now.ends_at = rest_of_month(at, zone).period.ends_at
        now.save(update_fields=["ends_at"])
        _record("cancel_subscription", now, at, (actor, ip, reason))
    return now


def keep_subscription(
    subscription: Subscription,
    *,
    at: datetime,
    actor: User | None = None,
    ip: str | None = None,
    reason: str = "",
) -> Subscription:
    """Takes a cancellation back while the subscription still runs."""
    with transaction.atomic():
        now = _lock(subscription)
        if now.ends_at is None:
            return now
        if now.ends_at <= at:
            raise SubscriptionEnded
        others = running_subscriptions(now.organisation, at).exclude(pk=now.pk)
        if others.filter(plan__family=now.plan.family).exists():
            raise AlreadySubscribed
        now.ends_at = None
        now.save(update_fields=["ends_at"])
        _record("keep_subscription", now, at, (actor, ip, reason))
    return now


def _lock(subscription: Subscription) -> Subscription:
    lock_wallet(subscription.organisation_id)
    rows = Subscription.objects.select_related("plan", "organisation")
    return rows.select_for_update(of=("self",)).get(pk=subscription.pk)


def _record(
    verb: str, now: Subscription, at: datetime, who: tuple[User | None, str | None, str]
) -> None:
    actor, ip, reason = who
    ends_at = now.ends_at.isoformat() if now.ends_at is not None else None
    record_audit(
        verb,
        at=at,
        organisation=now.organisation,
        actor=actor,
        object=f"subscription:{now.pk}",
        after={"ends_at": ends_at},
        reason=reason,
        ip=ip,
    )

"""A subscription gets more licences, or fewer (rule 1.6).

The fee of the rest of the month is kept with the change. Added licences add minutes pro
rata, at once; giving licences up leaves what was drawn or reserved. `expected` is the
number the customer saw: a second click, or another's change, does nothing twice. Locks
the wallet, then the subscription.
"""

from datetime import datetime

from django.db import transaction

from accounts.audit import record_audit
from accounts.models import User
from calling.models import Subscription
from calling.models.plans import QuantityChange
from calling.pro_rata import fee_for_rest, rest_of_month
from calling.refusals import ChangedMeanwhile, LicencesAssigned, SubscriptionEnded
from calling.resize_pools import resize_pools
from calling.running import running_licences
from credits.lock import lock_wallet
from credits.money import from_money


def change_quantity(
    subscription: Subscription,
    quantity: int,
    *,
    expected: int,
    at: datetime,
    actor: User | None = None,
    ip: str | None = None,
) -> Subscription:
    """The subscription as it is afterwards."""
    organisation = subscription.organisation
    with transaction.atomic():
        lock_wallet(organisation.pk)
        now = Subscription.objects.select_for_update(of=("self",)).get(
            pk=subscription.pk
        )
        if now.quantity == quantity:
            return now
        _check(now, quantity, expected, at)
        rest = rest_of_month(at, organisation.zone)
        price = from_money(now.plan.price)
        QuantityChange.objects.create(
            organisation=organisation,
            subscription=now,
            before=now.quantity,
            after=quantity,
            changed_at=at,
            fee=fee_for_rest(price, quantity - now.quantity, rest),
            actor=actor,
        )
        before, now.quantity = now.quantity, quantity
        now.save(update_fields=["quantity"])
        resize_pools(organisation, at=at)
        record_audit(
            "change_quantity",
            at=at,
            organisation=organisation,
            actor=actor,
            object=f"subscription:{now.pk}",
            before={"licences": before},
            after={"licences": quantity},
            ip=ip,
        )
    return now


def _check(now: Subscription, quantity: int, expected: int, at: datetime) -> None:
    if now.quantity != expected:
        raise ChangedMeanwhile
    if now.ends_at is not None:
        raise SubscriptionEnded
    licences = running_licences(now.organisation, at).filter(subscription=now)
    assigned = licences.count()
    if quantity < assigned:
        raise LicencesAssigned(assigned=assigned)

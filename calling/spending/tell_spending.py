"""Tells an organisation that its month nears the spending limit: at 50, 80 and 100 %.

A sweep over the limits (rules 10.4 and 11): each share is told once a month, the
highest that was passed, and anew once the limit was changed. The limit is claimed by
compare-and-set in the transaction that owes the message, so two sweeps do not tell
twice. Settling is not slowed by it.
"""

from collections.abc import Iterable
from datetime import date, datetime
from itertools import groupby

from django.db import transaction
from django.urls import reverse

from accounts.models import BillingMode, NoticeKind
from accounts.notify import owe_notice
from calling.models import SpendingLimit
from calling.postpaid import Spending, read_postpaid, spending_of

REACHED = 100
STEPS = (REACHED, 80, 50)


def tell_spending(at: datetime) -> int:
    """How many organisations were told; the statements depend on that alone."""
    limits = SpendingLimit.objects.filter(organisation__billing_mode=BillingMode.NCE)
    found = list(limits.select_related("organisation").order_by("pk"))

    def month_of(limit: SpendingLimit) -> date:
        return limit.organisation.local_day(at).replace(day=1)

    return sum(
        _tell_month(month, list(theirs), at)
        for month, theirs in groupby(sorted(found, key=month_of), month_of)
    )


def _tell_month(month: date, limits: Iterable[SpendingLimit], at: datetime) -> int:
    """`month` is the same for all of them, wherever they are."""
    spent = read_postpaid([limit.organisation_id for limit in limits], month)
    told = 0
    for limit in limits:
        so_far = spent.get(limit.organisation_id, 0)
        told += _tell(
            limit, spending_of(limit.organisation, limit, so_far, today=month), at
        )
    return told


def _tell(limit: SpendingLimit, spending: Spending, at: datetime) -> bool:
    step = next((step for step in STEPS if spending.percent >= step), 0)
    known = limit.told_percent if limit.told_month == spending.month else 0
    if step <= known:
        return False
    with transaction.atomic():
        as_read = SpendingLimit.objects.filter(
            pk=limit.pk,
            changed_at=limit.changed_at,
            told_month=limit.told_month,
            told_percent=limit.told_percent,
        )
        if not as_read.update(told_month=spending.month, told_percent=step):
            return False
        _owe(limit, spending, step, at)
    return True


def _owe(limit: SpendingLimit, spending: Spending, step: int, at: datetime) -> None:
    is_reached = step == REACHED
    kind = NoticeKind.SPENDING_LIMIT_NEAR
    if is_reached:
        kind = NoticeKind.SPENDING_LIMIT_REACHED
    since = f"{limit.changed_at:%Y-%m-%dT%H:%M:%S}"
    own = {"is_hard": int(limit.is_hard)} if is_reached else {"percent": step}
    owe_notice(
        kind,
        organisation=limit.organisation,
        episode=f"spending:{spending.month:%Y-%m}:{step}:{since}",
        context={
            "spent": spending.spent,
            "limit": limit.amount,
            "currency": limit.organisation.currency,
            "resets_at": spending.resets_at.isoformat(),
            "path": reverse("spending_limit"),
            **own,
        },
        at=at,
    )

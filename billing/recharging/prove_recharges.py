"""Proves auto-recharge from its own rows (invariant 21); changes nothing.

A row exists only while it is on and has consent to what it says; one open attempt per
wallet; no gap, hour, day or month is beyond its limit; every try has its key, the
number rose only after a definite decline, and no key was resent after 23 hours.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby

from django.db.models import Q, QuerySet

from billing.models import (
    OPEN_ATTEMPT,
    AttemptState,
    AutoRecharge,
    RechargeAttempt,
    RechargeTry,
    TryOutcome,
)
from billing.recharging.recharge import KEY_LASTS
from billing.recharging.recharge_caps import (
    A_DAY,
    AN_HOUR,
    GAP,
    MOST_A_DAY,
    MOST_AN_HOUR,
    month_start,
)
from billing.recharging.write_claims import payment_key
from credits.models import Wallet
from credits.money import Micros, from_money

SPACED = ((GAP, 1), (AN_HOUR, MOST_AN_HOUR), (A_DAY, MOST_A_DAY))


def recharge_breaches(organisation_id: int | None = None) -> Iterator[str]:
    only = {"organisation": organisation_id} if organisation_id else {}
    rows = AutoRecharge.objects.filter(**only).select_related("consent")
    yield from _consents(rows)
    yield from _triggers(rows, Wallet.objects.filter(**only))
    attempts = RechargeAttempt.objects.filter(**only).order_by("started_at", "id")
    of_wallet: dict[int, list[RechargeAttempt]] = defaultdict(list)
    related = ("top_up", "consent", "organisation")
    for attempt in attempts.select_related(*related):
        of_wallet[attempt.organisation_id].append(attempt)
    for mine in of_wallet.values():
        yield from _open(mine)
        yield from _spaced(mine)
        yield from _months(mine)
    tries = RechargeTry.objects.order_by("attempt_id", "number")
    if organisation_id:
        tries = tries.filter(attempt__organisation=organisation_id)
    yield from _tries(tries)


def _consents(rows: Iterable[AutoRecharge]) -> Iterator[str]:
    for row in rows:
        said = row.consent
        agreed = said.amount >= row.amount and said.monthly_limit >= row.monthly_limit
        if said.organisation_id != row.organisation_id or not agreed:
            yield f"auto-recharge {row.pk}: charges more than was agreed to (21)"


def _triggers(
    rows: Iterable[AutoRecharge], wallets: "QuerySet[Wallet]"
) -> Iterator[str]:
    triggers = {row.organisation_id: row.trigger_micros for row in rows}
    armed = wallets.filter(Q(trigger__isnull=False) | Q(pk__in=triggers))
    for wallet in armed.order_by("pk"):
        expected = triggers.get(wallet.organisation_id)
        if wallet.trigger != expected:
            yield (
                f"wallet {wallet.organisation_id}: trigger {wallet.trigger}, "
                f"auto-recharge says {expected} (21)"
            )


def _open(attempts: Sequence[RechargeAttempt]) -> Iterator[str]:
    under_way = [one.reference for one in attempts if one.state in OPEN_ATTEMPT]
    if len(under_way) > 1:
        yield f"{', '.join(under_way)}: open at the same time (21)"


def _spaced(attempts: Sequence[RechargeAttempt]) -> Iterator[str]:
    """So many claims, and no more, within each span of time."""
    counted = [one for one in attempts if one.state != AttemptState.CANCELLED]
    for span, most in SPACED:
        for first, beyond in zip(counted, counted[most:], strict=False):
            if beyond.started_at - first.started_at < span:
                yield f"{beyond.reference}: more than {most} within {span} (21)"


def _months(attempts: Sequence[RechargeAttempt]) -> Iterator[str]:
    """What was charged by itself; an order that its owner paid is not counted."""
    by_itself = RechargeTry.objects.filter(
        attempt__in=attempts,
        outcome__in=[TryOutcome.PAID, TryOutcome.UNKNOWN, TryOutcome.PROCESSING],
    )
    charged = set(by_itself.values_list("attempt", flat=True))

    def month(attempt: RechargeAttempt) -> datetime:
        return month_start(attempt.started_at, attempt.organisation.zone)

    counted = [
        one
        for one in attempts
        if one.pk in charged and one.state != AttemptState.CANCELLED
    ]
    for _month, mine in groupby(counted, month):
        total: Micros = 0
        for attempt in mine:
            total += attempt.top_up.credit_micros
            if total > from_money(attempt.consent.monthly_limit):
                yield f"{attempt.reference}: beyond the monthly limit (21)"


def _tries(tries: Iterable[RechargeTry]) -> Iterator[str]:
    for attempt_id, mine in groupby(tries, lambda one: one.attempt_id):
        numbered = list(mine)
        numbers = [one.number for one in numbered]
        if numbers != list(range(1, len(numbered) + 1)):
            yield f"recharge:{attempt_id}: tries {numbers} (21)"
        for one in numbered[:-1]:
            if one.outcome != TryOutcome.DECLINED:
                yield f"{one.stripe_key}: was {one.outcome}, and tried again (21)"
        for one in numbered:
            yield from _key(one)


def _key(one: RechargeTry) -> Iterator[str]:
    if one.stripe_key != payment_key(one.attempt_id, one.number):
        yield f"{one.stripe_key}: not the key of its try (21)"
    if one.stripe_payment_intent_id and one.first_sent_at is None:
        yield f"{one.stripe_key}: charged before it was written down (21)"
    first, last = one.first_sent_at, one.last_sent_at
    if first is not None and last is not None and last >= first + KEY_LASTS:
        yield f"{one.stripe_key}: resent after 23 hours (21)"

"""Sets aside what a call may cost, step by step under the wallet's lock (rule 9.4).

The way that fits every case and both engines: on SQLite the transaction is the lock.
PostgreSQL takes the one-statement way first (reserve_at_once.py) and comes here when
that needs more: a pool or line month to be made, an expiry to be marked, a grant to be
cut to what is left, or a reason to say no.
"""

from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import F

from calling.allocate import PoolState
from calling.authorise import codes
from calling.authorise.answers import (
    Answer,
    charged_to,
    deadline_of,
    denied,
    payment_of,
    retry_later,
    terms_of,
    told,
)
from calling.authorise.deny import note_denial
from calling.authorise.funds import Funds, read_funds
from calling.authorise.grant import Grant, first_cost, grant_of
from calling.authorise.judge_question import Judged
from calling.authorise.versions import are_current
from calling.line_months import line_month_of
from calling.models import Line, LineMonth, MinutePool
from calling.pools import make_missing, read_pools
from credits.expire import lapse_lots_of
from credits.lock import lock_wallet
from credits.models import Hold, Wallet
from credits.refresh import refresh_wallets


class Means(NamedTuple):
    """What could pay: a pool, a line's month, money by its caps."""

    pool: PoolState | None
    line_month: LineMonth | None
    funds: Funds


NO_MEANS = Means(None, None, Funds([], 0))


def reserve(judged: Judged, *, at: datetime) -> Answer | None:
    """The answer, with what it sets aside; None if it was judged by older facts.

    Locks the wallet, then line month and pools (rule 3.10).
    """
    with transaction.atomic():
        wallet = lock_wallet(judged.call.organisation_id)
        hold = stored_hold(judged)
        if hold is not None:
            return told(hold)
        if not are_current(judged):
            return None
        lapse_if_due(wallet, at)
        return _decide(judged, wallet, at)


def lapse_if_due(wallet: Wallet, at: datetime) -> None:
    """What expired since it was last looked at no longer counts (rule 3.8)."""
    if wallet.next_expiry_at is not None and wallet.next_expiry_at <= at:
        lapse_lots_of(wallet, at=at)


def stored_hold(judged: Judged) -> Hold | None:
    """What was answered before under the same key: it is answered again (rule 9.4)."""
    return Hold.objects.filter(
        organisation=judged.call.organisation_id, call_key=judged.call_key
    ).first()


def _decide(judged: Judged, wallet: Wallet, at: datetime) -> Answer:
    rate = judged.rate
    if rate is None or judged.is_free:
        return _open(judged, wallet, Grant(judged.wanted, 0, 0), NO_MEANS, at)
    most = judged.limits.concurrent_calls
    if most is not None and wallet.live_calls >= most:
        return _deny(judged, wallet, codes.TOO_MANY, at)
    means = _means(judged, wallet)
    funds, free = means.funds, means.pool.free if means.pool is not None else 0
    grant = grant_of(rate, judged.wanted, free, funds.money)
    if grant is not None:
        return _open(judged, wallet, grant, means, at)
    least = first_cost(rate, free)
    code = funds.why_not(least)
    if code == codes.NO_FUNDING and covers_soon(wallet, funds, least):
        return retry_later()
    return _deny(judged, wallet, code, at)


def covers_soon(wallet: Wallet, funds: Funds, least: int) -> bool:
    """Whether what is in flight would pay for the first interval (rule 9.2)."""
    coming = funds.available + wallet.incoming
    return wallet.incoming > 0 and coming > 0 and coming >= least


def _means(judged: Judged, wallet: Wallet) -> Means:
    """Locks line month and pools, made where missing, and reads the caps."""
    line_month = None
    line, known = judged.call.line, judged.organisation
    if line is not None and judged.line_limit is not None:
        month = judged.call.local_day.replace(day=1)
        line_month = line_month_of(Line(pk=line.id, organisation_id=known.id), month)
        known.line_month_ids[line.id, month] = line_month.pk
    pool = _pool(judged)
    return Means(pool, line_month, read_funds(judged, wallet, line_month))


def _pool(judged: Judged) -> PoolState | None:
    known, keys = judged.organisation, judged.pool_keys
    if not keys:
        return None
    ends_all = known.lines.families_that_end_all()
    month = judged.call.local_day.replace(day=1)
    pools = read_pools([known.id], [month], ends_all)
    missing = [key for key in keys if key not in pools.by_key]
    make_missing(pools, dict.fromkeys(missing, known.facts.zone))
    known.pool_ids.update((key, pools.by_key[key].id) for key in keys)
    return pools.choose(keys)


def _open(
    judged: Judged,
    wallet: Wallet,
    grant: Grant,
    means: Means,
    at: datetime,
) -> Answer:
    """Records the hold and moves what it sets aside."""
    pool, line_month, funds = means
    hold = Hold.objects.create(
        **_row(judged, grant, funds.available, at),
        pool_id=pool.id if pool is not None and grant.pool_seconds else None,
        line_month_id=line_month.pk if line_month is not None else None,
    )
    set_aside(wallet, hold, grant.amount, grant.pool_seconds, calls=1)
    return told(hold)


def _row(judged: Judged, grant: Grant, available: int, at: datetime) -> dict[str, Any]:
    """The columns of a hold that do not say which pool and line month it draws on."""
    record, known = judged.call.record, judged.organisation
    deadline = deadline_of(at, grant.seconds)
    currency, rate = known.facts.currency, judged.rate
    later = judged.call.is_postpaid and available < grant.amount
    who = charged_to(grant, pays_later=later)
    return {
        "organisation_id": known.id,
        "call_key": judged.call_key,
        "source_id": judged.source.pk,
        "line_id": judged.line_id,
        "kind": judged.call.kind,
        "caller": record.caller or record.caller_raw,
        "callee": record.callee or record.callee_raw,
        "amount": grant.amount,
        "pool_seconds": grant.pool_seconds,
        "granted_seconds": grant.seconds,
        "answer": {
            "decision": "allow",
            **terms_of(grant.seconds, rate, deadline),
            **payment_of(who, grant.amount, rate, currency),
            "_asked": asked(judged),
        },
        "opened_at": at,
        "deadline_at": deadline,
    }


def asked(judged: Judged) -> dict[str, str]:
    """What the switch told of the call, for the record that settles it."""
    question = judged.question
    told_of = {
        "call_id": question.call_id,
        "from_tag": question.from_tag,
        "from": question.caller,
        "to": question.callee,
        "direction": question.direction,
        "account_code": question.account_code,
        "trunk": question.trunk,
        "tenant": question.tenant,
        "user": question.user,
        "kind": question.kind,
        "call_type": question.call_type,
        "organisation": question.organisation_hint,
    }
    return {name: value for name, value in told_of.items() if value}


def set_aside(
    wallet: Wallet, hold: Hold, amount: int, pool_seconds: int, *, calls: int = 0
) -> None:
    """Adds to pool, line month and wallet what a hold has set aside, or more of it."""
    if pool_seconds and hold.pool_id is not None:
        pools = MinutePool.objects.filter(pk=hold.pool_id)
        pools.update(reserved_seconds=F("reserved_seconds") + pool_seconds)
    if hold.line_month_id is not None and amount:
        months = LineMonth.objects.filter(pk=hold.line_month_id)
        months.update(reserved=F("reserved") + amount)
    wallet.reserved += amount
    wallet.live_calls += calls
    refresh_wallets([wallet])


def _deny(judged: Judged, wallet: Wallet, code: str, at: datetime) -> Answer:
    note_denial(judged, code, wallet=wallet, at=at)
    return denied(code)

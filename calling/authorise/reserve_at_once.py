"""Sets aside what a call may cost in one statement; PostgreSQL alone (rule 9.4).

The hot path: the wallet is locked, then the line's month and the pools, the hold is
inserted from what was found there, and all three move by what was inserted. The parts
feed each other, because those of one statement run in no promised order otherwise;
every value is relative or was read under its lock. What needs more than a comparison
(an expiry due, a grant to be cut, a denial) answers nothing: reserve.py does it.
"""

import json
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from django.db import OperationalError, connection
from django_q.tasks import async_task

from calling.authorise.answers import (
    Answer,
    as_allowed,
    deadline_of,
    held_of,
    terms_of,
)
from calling.authorise.judge_question import Judged
from calling.authorise.reserve import asked
from calling.authorise.run_prepared import (
    BOOL,
    INT,
    INTS,
    MOMENT,
    TEXT,
    Prepared,
    Row,
    Values,
    run_prepared,
)
from credits.refresh import NUDGE

_WALLET = """WITH wallet AS MATERIALIZED (
  SELECT organisation_id, credit - lapsed - debt - reserved AS available, live_calls,
    facts_version, next_expiry_at, recharge_wanted
  FROM credits_wallet WHERE organisation_id = %(owner)s FOR NO KEY UPDATE
)"""
_MONTH = """, month AS MATERIALIZED (
  SELECT found.id, found.spent + found.reserved AS used
  FROM wallet JOIN calling_linemonth AS found
    ON found.organisation_id = wallet.organisation_id AND found.id = %(month)s
  FOR NO KEY UPDATE OF found
)"""
# The first of the pools that still has something pays, as in settlement.
_POOL = """, pools AS MATERIALIZED (
  SELECT found.id, found.remaining_seconds - found.reserved_seconds AS free
  FROM wallet JOIN calling_minutepool AS found
    ON found.organisation_id = wallet.organisation_id
    AND found.id = ANY(%(pools)s)
  ORDER BY found.id FOR NO KEY UPDATE OF found
), pool AS MATERIALIZED (
  SELECT id, free FROM pools WHERE free > 0
  ORDER BY array_position(%(pools)s, id) LIMIT 1
)"""
_DECISION = """, decision AS MATERIALIZED (
  SELECT wallet.recharge_wanted, {pool_id} AS pool_id, CASE
    WHEN wallet.facts_version <> %(version)s
      OR coalesce(facts.provider, 1) <> %(provider)s
      OR coalesce(facts.numbers, 1) <> %(numbers)s THEN 'more'
    WHEN EXISTS (SELECT FROM calling_numberassignment
      WHERE number = %(unread)s::text) THEN 'more'
    WHEN wallet.next_expiry_at <= %(at)s THEN 'more'
    WHEN %(billed)s = 0 THEN 'none'
    WHEN wallet.live_calls >= %(concurrent)s::bigint THEN 'more'
    {by_pool}
    WHEN %(no_money)s THEN 'more'
    {by_month}
    WHEN %(cost)s = 0 THEN 'none'
    WHEN wallet.available > 0 AND wallet.available >= %(cost)s THEN 'credits'
    WHEN %(is_postpaid)s THEN 'postpaid'
    ELSE 'more' END AS way
  FROM wallet LEFT JOIN calling_factsversion AS facts ON facts.id = 1 {joined}
)"""
_BY_POOL = """WHEN pool.free >= %(billed)s THEN 'plan'
    WHEN pool.free > 0 THEN 'more'"""
_BY_MONTH = (
    """WHEN month.used IS NULL OR month.used + %(cost)s > %(limit)s THEN 'more'"""
)
_HOLD = """, hold AS (
  INSERT INTO credits_hold (organisation_id, call_key, source_id, line_id, pool_id,
    line_month_id, kind, caller, callee, amount, pool_seconds, granted_seconds,
    sequence, state, answer, opened_at, deadline_at)
  SELECT %(owner)s, %(key)s, %(source)s, %(line)s::bigint,
    CASE way WHEN 'plan' THEN pool_id END, %(month)s::bigint, %(kind)s, %(caller)s,
    %(callee)s, CASE WHEN way IN ('credits', 'postpaid') THEN %(cost)s ELSE 0 END,
    CASE way WHEN 'plan' THEN %(billed)s ELSE 0 END, %(granted)s, 1, 'open',
    CAST(%(answer)s || ', "charged_to": "' || way || '", ' || CASE
      WHEN way IN ('credits', 'postpaid') THEN %(by_money)s ELSE %(without)s END
      AS jsonb),
    %(at)s, %(deadline)s
  FROM decision WHERE way <> 'more'
  ON CONFLICT (organisation_id, call_key) DO NOTHING
  RETURNING id, pool_id, amount, pool_seconds
), moved AS (
  UPDATE credits_wallet SET reserved = reserved + hold.amount,
    live_calls = live_calls + 1, recharge_wanted = coalesce(
      credit - lapsed - debt - reserved - hold.amount + incoming < "trigger", FALSE)
  FROM hold WHERE organisation_id = %(owner)s RETURNING recharge_wanted
)"""
_MOVE_POOL = """, moved_pool AS (
  UPDATE calling_minutepool SET
    reserved_seconds = reserved_seconds + hold.pool_seconds
  FROM hold WHERE calling_minutepool.id = hold.pool_id
)"""
_MOVE_MONTH = """, moved_month AS (
  UPDATE calling_linemonth SET reserved = reserved + hold.amount
  FROM hold WHERE calling_linemonth.id = %(month)s AND hold.amount > 0
)"""
_ANSWER = """ SELECT decision.way, hold.id,
    coalesce(moved.recharge_wanted AND NOT decision.recharge_wanted, FALSE)
  FROM decision LEFT JOIN hold ON TRUE LEFT JOIN moved ON TRUE"""


# What the statement is given, by name: an OID each, in this order.
_TYPES = {
    "owner": INT,
    "version": INT,
    "provider": INT,
    "numbers": INT,
    "source": INT,
    "line": INT,
    "month": INT,
    "limit": INT,
    "concurrent": INT,
    "billed": INT,
    "cost": INT,
    "granted": INT,
    "no_money": BOOL,
    "is_postpaid": BOOL,
    "key": TEXT,
    "unread": TEXT,
    "kind": TEXT,
    "caller": TEXT,
    "callee": TEXT,
    "pools": INTS,
    "at": MOMENT,
    "deadline": MOMENT,
    "answer": TEXT,
    "by_money": TEXT,
    "without": TEXT,
}


class _Terms(NamedTuple):
    """The answer in parts: what always holds, and what is set aside by who pays."""

    answer: dict[str, Any]
    by_money: dict[str, Any]
    without: dict[str, Any]


def reserve_at_once(judged: Judged, *, at: datetime) -> Answer | None:
    """The answer of an allowed call; None where it takes more than this statement."""
    if not can_be_at_once(judged):
        return None
    terms = _terms(judged, at)
    statement = _statement(bool(judged.pool_keys), judged.line_limit is not None)
    row = _run(statement, _values(judged, terms, at))
    if row is None or row[1] is None:
        return None
    way, hold_id, wants_recharge = row[0] or "", int(row[1]), row[2] == "t"
    if wants_recharge:
        async_task(NUDGE, "debit", judged.call.organisation_id)
    held = terms.by_money if way in {"credits", "postpaid"} else terms.without
    return as_allowed({**terms.answer, **held, "charged_to": way}, hold_id)


def can_be_at_once(judged: Judged) -> bool:
    """Whether one comparison each decides, and every row concerned is known by its id.

    Sums over a day or month cannot be locked, so limits on them are not among it; nor
    are plans of which one used-up bucket ends all.
    """
    known, limits = judged.organisation, judged.limits
    if judged.ends_all:
        return False
    if judged.no_money and not judged.pool_keys:
        return False
    if limits.daily_spend is not None or known.spending_limit is not None:
        return False
    rated = judged.call.rated
    if limits.call_cost is not None and rated and rated.amount > limits.call_cost:
        return False
    if any(key not in known.pool_ids for key in judged.pool_keys):
        return False
    return judged.line_limit is None or _month_id(judged) is not None


def _month_id(judged: Judged) -> int | None:
    month = judged.call.local_day.replace(day=1)
    if judged.line_limit is None or judged.line_id is None:
        return None
    return judged.organisation.line_month_ids.get((judged.line_id, month))


def _terms(judged: Judged, at: datetime) -> _Terms:
    rate, seconds = judged.rate, judged.wanted
    currency = judged.organisation.facts.currency
    cost = judged.call.rated.amount if judged.call.rated is not None else 0
    answer = {
        "decision": "allow",
        **terms_of(seconds, rate, deadline_of(at, seconds)),
        "_asked": asked(judged),
    }
    without = held_of(0, rate, currency)
    return _Terms(answer, held_of(cost, rate, currency) if cost else without, without)


def _values(judged: Judged, terms: _Terms, at: datetime) -> Values:
    """In the order of `_TYPES`, as the server writes them itself."""
    call, versions, known = judged.call, judged.versions, judged.organisation
    record, rated = call.record, call.rated
    numbers = (
        known.id,
        versions.organisation,
        versions.provider,
        versions.numbers,
        judged.source.pk,
        judged.line_id,
        _month_id(judged),
        judged.line_limit,
        judged.limits.concurrent_calls,
        rated.billed_seconds if rated is not None else 0,
        rated.amount if rated is not None else 0,
        judged.wanted,
    )
    unread, pools = judged.unread, (known.pool_ids[key] for key in judged.pool_keys)
    by_money = json.dumps(terms.by_money).encode()
    return [
        *[None if number is None else b"%d" % number for number in numbers],
        b"t" if judged.no_money else b"f",
        b"t" if call.is_postpaid else b"f",
        judged.call_key.encode(),
        unread.encode() if unread is not None else None,
        call.kind.encode(),
        (record.caller or record.caller_raw).encode(),
        (record.callee or record.callee_raw).encode(),
        b"{%s}" % b",".join(b"%d" % pool for pool in pools),
        at.isoformat().encode(),
        deadline_of(at, judged.wanted).isoformat().encode(),
        # Without their inner braces: the statement puts the parts together as text.
        json.dumps(terms.answer)[:-1].encode(),
        by_money[1:],
        by_money[1:]
        if terms.without is terms.by_money
        else json.dumps(terms.without)[1:].encode(),
    ]


@cache
def _statement(with_pools: bool, with_month: bool) -> Prepared:  # noqa: FBT001  # which parts
    """The parts that concern the call; others would cost their planning each time."""
    decision = _DECISION.format(
        pool_id="pool.id" if with_pools else "NULL::bigint",
        by_pool=_BY_POOL if with_pools else "",
        by_month=_BY_MONTH if with_month else "",
        joined=" ".join(
            ["LEFT JOIN pool ON TRUE"] * with_pools
            + ["LEFT JOIN month ON TRUE"] * with_month
        ),
    )
    parts = [
        _WALLET,
        _MONTH if with_month else "",
        _POOL if with_pools else "",
        decision,
        _HOLD,
        _MOVE_POOL if with_pools else "",
        _MOVE_MONTH if with_month else "",
        _ANSWER,
    ]
    text = "".join(parts) % {
        name: f"${place}" for place, name in enumerate(_TYPES, start=1)
    }
    name = f"authorise{' pools' * with_pools}{' month' * with_month}"
    return Prepared(name.encode(), text.encode(), tuple(_TYPES.values()))


def _run(statement: Prepared, values: Values) -> Row | None:
    """Asks again, once, on a fresh connection if the kept one was lost meanwhile.

    That is safe, since the call's key makes both one question, and cheaper than to
    ask every time whether the connection still stands.
    """
    try:
        return run_prepared(statement, values)
    except OperationalError:
        if connection.in_atomic_block:
            raise
        connection.close()
        return run_prepared(statement, values)

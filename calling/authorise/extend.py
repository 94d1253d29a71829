"""Lets a running call go on for longer (rule 9.1): sequence numbers, totals.

A sequence number rises by one; the same number again gets the same answer, a lower one
is refused. Every figure is a total from the answer of the call, so an answer that got
lost is never added twice. A call that may not go on ends with what it was granted.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from calling.authorise import codes
from calling.authorise.answers import (
    Answer,
    deadline_of,
    denied,
    in_order,
    retry_later,
    time_text,
    told,
)
from calling.authorise.deny import note_denial
from calling.authorise.funds import read_funds
from calling.authorise.grant import Grant, grant_of
from calling.authorise.judge_question import Judged, judge_question
from calling.authorise.question import Question
from calling.authorise.refusals import CallIsOver, SequenceSkipped, SequenceTooLow
from calling.authorise.remember import numbers, provider_facts
from calling.authorise.reserve import covers_soon, lapse_if_due, set_aside
from calling.authorise.versions import are_current, forget_changed
from calling.classify import LONGEST_CALL
from calling.models import LineMonth, MinutePool, Source
from calling.rate import RateView
from credits.lock import lock_wallet
from credits.models import Hold, Wallet
from credits.money import amount_text

ATTEMPTS = 5


@dataclass(frozen=True)
class Extension:
    """The switch's words: so many seconds were used, so many more are asked for."""

    sequence: int
    used_seconds: int
    requested_seconds: int | None = None

    def total(self, source: Source) -> int:
        """Seconds in all; the source's longest grant is the most for one answer."""
        longest = source.longest_grant_seconds
        more = min(self.requested_seconds or longest, longest)
        return min(self.used_seconds + more, LONGEST_CALL)


def extend_call(
    hold_id: int, source: Source, asked: Extension, *, at: datetime
) -> Answer:
    """Allow with the new total, or deny or retry with the old one.

    Raises SequenceTooLow, SequenceSkipped, CallIsOver, Hold.DoesNotExist.
    """
    for _attempt in range(ATTEMPTS):
        hold = Hold.objects.get(pk=hold_id, source_id=source.pk)
        judged = rejudge(hold, source)
        answer = _extend(hold.pk, hold.organisation_id, judged, asked, at)
        if answer is not None:
            return answer
        forget_changed(judged)
    raise RuntimeError("The facts of a call keep changing.")


def rejudge(hold: Hold, source: Source) -> Judged:
    """The call as it would be judged today, at the moment when it was asked for.

    The rate is the one it was allowed at: it holds for the whole call (rule 3.7).
    """
    judged = judge_question(
        question_of(hold), source, provider_facts(), numbers(), at=hold.opened_at
    )
    if not judged.code and judged.call.organisation_id != hold.organisation_id:
        judged.code = codes.NO_ORGANISATION
    rate = rate_of(hold)
    if rate is not None and judged.call.rated is not None:
        judged.call.rated = judged.call.rated._replace(rate=rate)
    return judged


def question_of(hold: Hold) -> Question:
    asked: dict[str, str] = hold.answer.get("_asked", {})
    return Question(
        call_id=asked.get("call_id", ""),
        caller=asked.get("from", hold.caller),
        callee=asked.get("to", hold.callee),
        direction=asked.get("direction", "outbound"),
        from_tag=asked.get("from_tag", ""),
        account_code=asked.get("account_code", ""),
        trunk=asked.get("trunk", ""),
        tenant=asked.get("tenant", ""),
        user=asked.get("user", ""),
        kind=asked.get("kind", ""),
        call_type=asked.get("call_type", ""),
        organisation_hint=asked.get("organisation", ""),
    )


def rate_of(hold: Hold) -> RateView | None:
    stored = hold.answer.get("_rate")
    return RateView(*stored) if stored is not None else None


def check_sequence(hold: Hold, sequence: int) -> bool:
    """Whether it is the next one; False for the last one again. Raises otherwise."""
    if sequence < hold.sequence:
        raise SequenceTooLow(asked=sequence, known=hold.sequence)
    if sequence > hold.sequence + 1:
        raise SequenceSkipped(asked=sequence, next=hold.sequence + 1)
    return sequence > hold.sequence


def _extend(
    hold_id: int,
    organisation_id: int,
    judged: Judged,
    asked: Extension,
    at: datetime,
) -> Answer | None:
    with transaction.atomic():
        wallet = lock_wallet(organisation_id)
        hold = Hold.objects.select_for_update(no_key=True).get(pk=hold_id)
        if not check_sequence(hold, asked.sequence):
            return _said_last(hold)
        if not hold.is_open:
            raise CallIsOver
        if not are_current(judged):
            return None
        lapse_if_due(wallet, at)
        hold.sequence = asked.sequence
        answer = _decide(hold, judged, wallet, asked, at)
        hold.save(update_fields=["sequence", "answer"])
        return answer


def _said_last(hold: Hold) -> Answer:
    last: dict[str, Any] | None = hold.answer.get("_last")
    return in_order(last) if last is not None else told(hold)


def _decide(
    hold: Hold, judged: Judged, wallet: Wallet, asked: Extension, at: datetime
) -> Answer:
    if judged.code:
        return _no_more(hold, judged, wallet, judged.code, at)
    longest = judged.limits.longest_call_seconds
    wanted = asked.total(judged.source)
    wanted = max(
        hold.granted_seconds, wanted if longest is None else min(wanted, longest)
    )
    rate = judged.rate
    if rate is None or judged.is_free:
        return _grant(hold, judged, wallet, Grant(wanted, 0, 0))
    free = _free_seconds(hold)
    months = LineMonth.objects.filter(organisation=hold.organisation_id)
    month = months.filter(pk=hold.line_month_id or 0).first()
    funds = read_funds(judged, wallet, month, held=hold.amount)
    grant = grant_of(rate, wanted, free, funds.money)
    if grant is not None and grant.seconds >= min(wanted, hold.granted_seconds + 1):
        return _grant(hold, judged, wallet, grant)
    least = hold.amount + 1
    code = funds.why_not(least)
    if code == codes.NO_FUNDING and covers_soon(wallet, funds, least):
        return _told_again(hold, retry_later())
    return _no_more(hold, judged, wallet, code, at)


def _free_seconds(hold: Hold) -> int:
    """Plan minutes for this call: those it holds, and what its pool still has."""
    if hold.pool_id is None:
        return 0
    pool = MinutePool.objects.select_for_update(no_key=True).get(pk=hold.pool_id)
    if pool.exhausted_at is not None:
        return hold.pool_seconds
    return hold.pool_seconds + max(0, pool.remaining_seconds - pool.reserved_seconds)


def _grant(hold: Hold, judged: Judged, wallet: Wallet, grant: Grant) -> Answer:
    more, more_seconds = (
        grant.amount - hold.amount,
        grant.pool_seconds - hold.pool_seconds,
    )
    hold.amount, hold.pool_seconds = grant.amount, grant.pool_seconds
    hold.granted_seconds = grant.seconds
    hold.deadline_at = max(hold.deadline_at, deadline_of(hold.opened_at, grant.seconds))
    hold.save(
        update_fields=["amount", "pool_seconds", "granted_seconds", "deadline_at"]
    )
    set_aside(wallet, hold, more, more_seconds)
    currency = judged.organisation.facts.currency
    allowed = {
        "decision": "allow",
        "max_duration_s": grant.seconds,
        "expires_at": time_text(hold.deadline_at),
        "hold": {"amount": amount_text(grant.amount), "currency": currency},
        "sip": {"code": 200},
    }
    return _told_again(hold, Answer(allowed))


def _no_more(
    hold: Hold, judged: Judged, wallet: Wallet, code: str, at: datetime
) -> Answer:
    """The call ends with what it was granted (rule 9.3)."""
    note_denial(judged, code, wallet=wallet, at=at)
    return _told_again(hold, denied(code))


def _told_again(hold: Hold, answer: Answer) -> Answer:
    """With the sequence it answers; kept, so that a repeat gets the same."""
    said = {"sequence": hold.sequence, "max_duration_s": hold.granted_seconds}
    answer = in_order(said | answer.body)
    hold.answer |= {"_last": answer.body}
    return answer

"""Judges a question by what the process remembers: whose, where to, at what price.

Asks the functions that settle records (owner, kind, rate, pools), so that what is
allowed and what is charged cannot differ (rule 6.2). Says no where no money is needed
to say it, in the order of rule 9.1; what money, minutes and running calls decide is
left to whoever holds the wallet.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from calling.allocate import PoolKey
from calling.authorise import codes
from calling.authorise.barring import Destination, is_barred, local_time
from calling.authorise.limits import NO_LIMITS, Limits, strictest
from calling.authorise.question import OUTBOUND, Question, record_of
from calling.authorise.remember import (
    Known,
    Numbers,
    Provider,
    known_organisation,
    organisation_named,
)
from calling.call import Call
from calling.classify import CLOCK_TOLERANCE, FREE, LONGEST_CALL, classify
from calling.models import Source, WaitingReason
from calling.number_class import class_of
from calling.owner import Assignment, Directory, Owner
from calling.rate import RateView
from calling.reference import FactsCounts
from calling.regions import country_of

_BY_REASON = {
    WaitingReason.NOT_YET_OPEN.value: codes.NO_ORGANISATION,
    WaitingReason.NOT_E164.value: codes.NOT_VALID,
    WaitingReason.AMBIGUOUS_NUMBER.value: codes.NOT_VALID,
    WaitingReason.NO_RATE_CARD.value: codes.NO_RATE,
    WaitingReason.NO_RATE.value: codes.NO_RATE,
    WaitingReason.BLOCKED_RATE.value: codes.BARRED,
}


@dataclass(slots=True)
class Judged:
    """A question with all that is known without the wallet; `code` is why not, or ''.

    `wanted` are the seconds asked for, cut to what source and limits let a call last.
    `no_money` is why it may not be paid with money, or ''; plan minutes may still pay.
    """

    question: Question
    source: Source
    call_key: str
    call: Call
    versions: FactsCounts  # as of what it was judged by
    known: Known | None = None
    code: str = ""
    limits: Limits = NO_LIMITS
    wanted: int = 0
    no_money: str = ""
    pool_keys: tuple[PoolKey, ...] = ()
    ends_all: bool = False
    unread: str | None = None  # a number that was presumed to be nobody's

    @property
    def organisation(self) -> Known:
        """Whose call it is; only asked where that is known."""
        if self.known is None:
            raise RuntimeError("Nobody owns this call.")
        return self.known

    @property
    def is_free(self) -> bool:
        """Nobody pays for such a call, or there is no second to pay for (rule 6.4)."""
        return self.call.rated is None or not self.call.rated.billed_seconds

    @property
    def rate(self) -> RateView | None:
        return self.call.rated.rate if self.call.rated is not None else None

    @property
    def line_id(self) -> int | None:
        return self.call.line.id if self.call.line is not None else None

    @property
    def line_limit(self) -> int | None:
        """What the line may spend in a month, in micros."""
        return self.organisation.rules_of(self.call.line).monthly_limit


def judge_question(
    question: Question,
    source: Source,
    provider: Provider,
    numbers: Numbers,
    *,
    at: datetime,
    presumed: bool = False,
) -> Judged:
    """The question judged at this moment; reads what is not remembered yet.

    `presumed`: the other number, unless it is known, is taken to be nobody's.
    """
    call = Call(record_of(question, source, at=at), "", at)
    versions = FactsCounts(provider.version, numbers.version)
    key = question.call_key(source.slug)
    judged = Judged(question, source, key, call, versions)
    record = call.record
    ends = record.caller, record.callee
    own, other = ends if record.direction == OUTBOUND else ends[::-1]
    assignments = numbers.of(own, other, presumed=presumed)
    if presumed and other is not None and other not in numbers.by_number:
        judged.unread = other
    owner = _owner(judged, provider, assignments, at)
    if owner is None or judged.known is None:
        judged.code = codes.NO_ORGANISATION
        return judged
    known = judged.known
    judged.versions = versions._replace(organisation=known.version)
    own_line = owner.own.line_id if owner.own is not None else None
    known.find_line(call.record.user, own_line)
    _limit(judged, provider, at)
    known.judge.latest_start = at + CLOCK_TOLERANCE
    reason = classify(call, owner, known.judge)
    judged.code = next(_refusals(judged, provider, reason, at), "")
    if not judged.code and not judged.is_free:
        _find_payers(judged)
    return judged


def _owner(
    judged: Judged, provider: Provider, assignments: list[Assignment], at: datetime
) -> Owner | None:
    record, owner_map = judged.call.record, judged.source.owner_map
    ids = {one.organisation_id for one in assignments}
    ids.update(_named(judged, provider))
    found = [known_organisation(provider, pk) for pk in sorted(ids)]
    named = {known.id: known for known in found if known is not None}
    facts = [known.facts for known in named.values()]
    directory = Directory(facts, assignments, owner_map, judged.versions)
    owner = directory.owner_of(record, at)
    if isinstance(owner, str):
        return None
    judged.known = named[owner.organisation.id]
    judged.call.belongs_to(owner)
    return owner


def _named(judged: Judged, provider: Provider) -> Iterator[int]:
    """The organisations that the question's words may mean."""
    record, owner_map = judged.call.record, judged.source.owner_map
    words = [("code", record.account_code), ("slug", record.organisation_hint)]
    mapped = (record.trunk, record.tenant, record.account_code)
    words += [("slug", owner_map.get(word, "")) for word in mapped if word]
    for by, name in words:
        found = organisation_named(provider, by, name) if name else None
        if found is not None:
            yield found


def _limit(judged: Judged, provider: Provider, at: datetime) -> None:
    """How long the call may last at most, whatever it costs."""
    known = judged.organisation
    judged.limits = limits = strictest(
        provider.limits,
        known.limits,
        currency=known.facts.currency,
        opened_at=known.opened_at,
        at=at,
    )
    longest = judged.source.longest_grant_seconds
    wanted = min(judged.question.requested_seconds or longest, longest, LONGEST_CALL)
    if limits.longest_call_seconds is not None:
        wanted = min(wanted, limits.longest_call_seconds)
    judged.wanted = judged.call.record.billable_seconds = max(1, wanted)


def _refusals(
    judged: Judged, provider: Provider, reason: str, at: datetime
) -> Iterator[str]:
    """Why the call may not go on, in the order of rule 9.1."""
    known, call = judged.organisation, judged.call
    is_closed = known.closed_at is not None and known.closed_at <= at
    code = _BY_REASON.get(reason, codes.NOT_VALID if reason else "")
    if is_closed or code == codes.NO_ORGANISATION:
        yield codes.NO_ORGANISATION
    if known.is_suspended:
        yield codes.SUSPENDED
    if code == codes.NOT_VALID:
        yield code
    if call.kind not in FREE and _is_barred(judged, provider, at):
        yield codes.BARRED
    if code:
        yield code
    ceiling, rate = judged.limits.price_ceiling, judged.rate
    if ceiling is not None and rate is not None and rate.rate_per_minute > ceiling:
        yield codes.TOO_DEAR


def _is_barred(judged: Judged, provider: Provider, at: datetime) -> bool:
    known, record, rate = judged.known, judged.call.record, judged.rate
    if record.direction != OUTBOUND or record.callee is None or known is None:
        return False
    place = Destination(
        digits=record.callee[1:],
        number_type=class_of(record.callee, rate.number_type if rate else "any"),
        country=country_of(record.callee),
        local_time=local_time(at, known.facts.zone),
    )
    return is_barred(place, provider.barrings, known.barrings)


def _find_payers(judged: Judged) -> None:
    """Which plans may pay, and whether money may (rules 1.4, 8 and 10.2)."""
    known, line = judged.organisation, judged.call.line
    judged.pool_keys = tuple(known.pools_of(judged.call))
    families = known.lines.families_that_end_all() if judged.pool_keys else frozenset()
    judged.ends_all = any(key.family in families for key in judged.pool_keys)
    rules = known.rules_of(line)
    if known.is_restricted:
        judged.no_money = codes.SUSPENDED
    elif line is not None and not (line.may_spend_credits and rules.is_active):
        judged.no_money = codes.NO_LINE

"""Staff say whose a waiting call record is; it settles like any other (rule 6.6).

What staff decide is kept beside the record, stronger than what the record says, so that
a replay and a re-rating find the same owner. A rule for next time goes where the next
record looks: the source's list of owners, or the numbers of the organisation. All of it
is one transaction. Locks the wallets.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from django.db import models, transaction
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.audit import record_audit
from accounts.models import Organisation, User
from accounts.refusals import TollgateError
from calling.call import Call
from calling.judge import find_owners, judge
from calling.models import (
    Line,
    NumberAssignment,
    RawRecord,
    RecordState,
    Source,
    WaitingReason,
)
from calling.replay import Replayed, assign, read_waiting, settle_raw_records
from calling.seen import read_seen
from credits.money import Micros


class NextTime(models.TextChoices):
    """What makes the next such record find its owner by itself."""

    NOTHING = "", _("Only these records")
    ACCOUNT_CODE = "account_code", _("Records with the same account code")
    TRUNK = "trunk", _("Records of the same trunk")
    TENANT = "tenant", _("Records of the same tenant")
    NUMBER = "number", _("Calls of the same own number, from now on this line's")


class RuleNotPossible(TollgateError):
    code: ClassVar[str] = "rule_not_possible"
    sentence: ClassVar[str | Promise] = _("Record %(record)s names nothing to go by.")


class RuleTaken(TollgateError):
    code: ClassVar[str] = "rule_taken"
    sentence: ClassVar[str | Promise] = _("%(word)s is %(owner)s's already.")


class LineNeeded(TollgateError):
    code: ClassVar[str] = "line_needed"
    sentence: ClassVar[str | Promise] = _("A number belongs to a line: name the line.")


@dataclass(frozen=True)
class Decision:
    """Whose the records are, and by what the next ones are known."""

    organisation: Organisation
    line: Line | None = None
    next_time: NextTime = NextTime.NOTHING


@dataclass(frozen=True)
class Forecast:
    """What a record would cost its new owner, or why it would still wait."""

    record_id: str
    started_at: datetime
    caller: str
    callee: str
    seconds: int
    cost: Micros | None
    reason: str

    @property
    def reason_text(self) -> str | Promise:
        return WaitingReason(self.reason).label if self.reason else ""


def forecast(
    raw_ids: Collection[int], decision: Decision, *, at: datetime
) -> list[Forecast]:
    """The cost of each record under the decision; reads only."""
    found: list[Forecast] = []
    for source, calls in _calls_by_source(raw_ids):
        for call in calls:
            assign(call, decision.organisation.slug, _identity(decision))
        find_owners(calls, source)
        keys = {call.record.source_record_id for call in calls}
        judge(calls, read_seen(source.pk, keys), at=at)
        found += [_forecast(call) for call in calls]
    return found


def assign_records(
    raw_ids: Collection[int],
    decision: Decision,
    *,
    actor: User,
    reason: str,
    at: datetime,
) -> list[Replayed]:
    """Notes the decision, makes the rule, and settles what can be settled."""
    with transaction.atomic():
        for source, calls in _calls_by_source(raw_ids):
            _make_rule(source, calls, decision)
        waiting = RawRecord.objects.filter(
            pk__among=list(raw_ids), state=RecordState.WAITING
        )
        chosen = sorted(waiting.values_list("pk", flat=True))
        waiting.update(assigned_to=decision.organisation, assigned_line=decision.line)
        settled = settle_raw_records(chosen, at=at)
        record_audit(
            "resolve_waiting_records",
            at=at,
            organisation=decision.organisation,
            actor=actor,
            object=", ".join(map(str, chosen))[:100],
            reason=reason,
            after={
                "line": _identity(decision),
                "next_time": decision.next_time.value,
                "settled": len(settled),
                "asked": len(chosen),
            },
        )
    return settled


def _identity(decision: Decision) -> str:
    return decision.line.identity if decision.line is not None else ""


def _calls_by_source(raw_ids: Collection[int]) -> Iterable[tuple[Source, list[Call]]]:
    by_source: dict[int, list[Call]] = {}
    for source_id, call in read_waiting(raw_ids):
        by_source.setdefault(source_id, []).append(call)
    sources = Source.objects.in_bulk(list(by_source))
    return [(sources[pk], calls) for pk, calls in sorted(by_source.items())]


def _forecast(call: Call) -> Forecast:
    record = call.record
    _, _seconds, amount = call.rated or (None, 0, 0)
    return Forecast(
        record.source_record_id,
        call.started_at,
        record.caller or record.caller_raw,
        record.callee or record.callee_raw,
        record.billable_seconds,
        None if call.reason else amount,
        call.reason,
    )


def _make_rule(source: Source, calls: Iterable[Call], decision: Decision) -> None:
    kind = decision.next_time
    if kind is NextTime.NOTHING:
        return
    if kind is NextTime.NUMBER:
        for call in sorted(calls, key=lambda call: call.started_at):
            _give_number(call, decision)
        return
    slug = decision.organisation.slug
    known = Source.objects.select_for_update().get(pk=source.pk)
    for call in calls:
        word = getattr(call.record, kind.value)
        if not word:
            raise RuleNotPossible(record=call.record.source_record_id)
        owner = known.owner_map.setdefault(word, slug)
        if owner != slug:
            raise RuleTaken(word=word, owner=owner)
    known.save(update_fields=["owner_map"])


def _give_number(call: Call, decision: Decision) -> None:
    record = call.record
    if decision.line is None:
        raise LineNeeded
    own = record.callee if record.direction == "inbound" else record.caller
    if not own or not record.direction:
        raise RuleNotPossible(record=record.source_record_id)
    later = Q(ends_at=None) | Q(ends_at__gt=call.started_at)
    holder = NumberAssignment.objects.filter(later, number=own).first()
    if holder is None:
        NumberAssignment.objects.create(
            organisation=decision.organisation,
            number=own,
            line=decision.line,
            starts_at=call.started_at,
        )
    elif holder.line_id != decision.line.pk:
        raise RuleTaken(word=own, owner=holder.organisation.name)

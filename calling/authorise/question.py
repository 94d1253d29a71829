"""What a switch asks: may this call go on? (rules 1.7 and 9.1)."""

from dataclasses import dataclass
from datetime import datetime

from calling.call_words import word_of
from calling.end_holds import call_key
from calling.formats.record import CallRecordIn
from calling.kinds import EMERGENCY
from calling.models import Source
from calling.phone_numbers import Number, Reading, read_number

OUTBOUND = "outbound"


@dataclass(frozen=True, slots=True)
class Question:
    """A call as the switch tells it before it is answered; both numbers as received.

    `from_tag` tells forks of one call apart, which share the call id.
    """

    call_id: str
    callee: str
    caller: str = ""
    direction: str = OUTBOUND
    from_tag: str = ""
    account_code: str = ""
    trunk: str = ""
    tenant: str = ""
    user: str = ""
    kind: str = ""
    call_type: str = ""
    organisation_hint: str = ""
    requested_seconds: int | None = None

    def call_key(self, source_slug: str) -> str:
        """What its hold is found by, from the question as from the record."""
        return call_key(source_slug, self.call_id, self.from_tag)


def calls_for_help(question: Question, source: Source) -> bool:
    """Whether the number is an emergency number where the source is (rule 9.1)."""
    if question.direction != OUTBOUND:
        return False
    said = {question.kind, word_of(question.call_type).kind}
    return EMERGENCY in said or (
        _read(question.callee, source).reading is Reading.EMERGENCY
    )


def record_of(question: Question, source: Source, *, at: datetime) -> CallRecordIn:
    """The question as the record it would become, were the call answered now.

    So the functions that settle records also judge questions.
    """
    caller, callee = _read(question.caller, source), _read(question.callee, source)
    kind = question.kind
    if callee.reading is Reading.EMERGENCY and question.direction == OUTBOUND:
        kind = EMERGENCY
    return CallRecordIn(
        source_record_id="",
        direction=question.direction,
        caller=caller.e164,
        # A number with stars for digits can be rated, but nobody can dial it.
        callee=callee.e164 if callee.reading is not Reading.MASKED else None,
        caller_raw=question.caller,
        callee_raw=question.callee,
        invited_at=None,
        answered_at=at,
        ended_at=at,
        billable_seconds=0,
        body="",
        call_id=question.call_id,
        account_code=question.account_code,
        trunk=question.trunk,
        tenant=question.tenant,
        user=question.user,
        call_type=question.call_type,
        kind=kind,
        organisation_hint=question.organisation_hint,
    )


def _read(number: str, source: Source) -> Number:
    rules = tuple((old, new) for old, new in source.rewrite_rules)
    return read_number(number, source.home_country, rules)

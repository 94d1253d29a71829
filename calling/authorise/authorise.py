"""May this call go on? The one verb that answers (rule 9).

Emergency first, without the database. Then the question is judged by what the process
remembers, and what it needs is set aside. Whatever had changed since it was read is
noticed by whoever holds the wallet; the question is then judged anew.
"""

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import connection, transaction

from calling.authorise.answers import Answer, denied, emergency_answer, told
from calling.authorise.deny import note_denial
from calling.authorise.judge_question import Judged, judge_question
from calling.authorise.question import Question, calls_for_help
from calling.authorise.remember import numbers, provider_facts
from calling.authorise.reserve import reserve, stored_hold
from calling.authorise.reserve_at_once import reserve_at_once
from calling.authorise.versions import are_current, forget_changed
from calling.kinds import EMERGENCY
from calling.models import Source

logger = logging.getLogger(__name__)
ATTEMPTS = 5


class FactsKeepChanging(RuntimeError):
    """What calls are judged by changed more often than anybody changes it."""


def authorise_call(
    question: Question,
    source: Source,
    *,
    at: datetime,
    ask_source: Callable[[], Source] | None = None,
) -> Answer:
    """Allow, deny or retry, with what was set aside.

    `ask_source` finds the source anew, with its key, when something has changed since.
    A repeated question gets the stored answer and sets nothing aside.
    """
    for attempt in range(ATTEMPTS):
        if attempt and ask_source is not None:
            source = ask_source()
        if calls_for_help(question, source):
            logger.warning("Emergency call let through: %s", source.slug)
            return emergency_answer()
        _note_asking(source, at)
        answer = _answer_at_once(question, source, at)
        if answer is not None:
            return answer
        judged = judge_question(question, source, provider_facts(), numbers(), at=at)
        if judged.call.kind == EMERGENCY:
            return emergency_answer()
        answer = _refuse(judged, at) if judged.code else reserve(judged, at=at)
        if answer is not None:
            return answer
        forget_changed(judged)
    raise FactsKeepChanging


def _note_asking(source: Source, at: datetime) -> None:
    """Its records without a hold are of calls that nobody asked for (rule 9.4)."""
    if source.asks_since is None:
        Source.objects.filter(pk=source.pk, asks_since=None).update(asks_since=at)
        source.asks_since = at


def _answer_at_once(question: Question, source: Source, at: datetime) -> Answer | None:
    """The hot path: an allowed call in one statement; None where it takes more."""
    if connection.vendor != "postgresql":
        return None
    facts = provider_facts(), numbers()
    judged = judge_question(question, source, *facts, at=at, presumed=True)
    if judged.code or judged.call.kind == EMERGENCY:
        return None
    return reserve_at_once(judged, at=at)


def _refuse(judged: Judged, at: datetime) -> Answer | None:
    """What no money can change, unless the facts have; noted."""
    organisation_id = judged.call.organisation_id
    with transaction.atomic():
        hold = stored_hold(judged) if organisation_id else None
        if hold is not None:
            return told(hold)
        if not are_current(judged):
            return None
        note_denial(judged, judged.code, wallet=None, at=at)
    return denied(judged.code)

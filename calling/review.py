"""Asks staff to look at what settled, and is odd: new words, calls given away.

A sender's new word is told once a day and source, so that the table of words can learn
it; calls that the supplier gave away once a day, and each carries a flag.
"""

from collections.abc import Collection
from datetime import datetime

from accounts.staff_tasks import raise_staff_task
from calling.call import Call
from calling.call_words import word_of
from calling.models import Source

NEW_WORD = "new_call_type"
FREE_CALLS = "supplier_free_calls"


def ask_for_review(calls: Collection[Call], source: Source, *, at: datetime) -> None:
    said = {call.record.call_type for call in calls}
    for word in sorted(word for word in said if not word_of(word).is_known):
        raise_staff_task(
            NEW_WORD,
            reference=f"{source.slug} {at:%Y-%m-%d} {word}",
            detail=f"{source.slug} calls a call {word}, which is not known here; "
            "its direction and number decided the kind.",
            at=at,
        )
    free = [call.record.source_record_id for call in calls if call.record.is_free]
    if free:
        raise_staff_task(
            FREE_CALLS,
            reference=f"{source.slug} {at:%Y-%m-%d}",
            detail=f"The supplier of {source.slug} failed to rate calls and gave them "
            f"away, the first of the day is {min(free)}; they cost nothing here and "
            "carry the flag supplier_free.",
            at=at,
        )

"""What became of one call record of a batch."""

from typing import NamedTuple

from calling.call import Call

STORED, DUPLICATE = "stored", "duplicate"
CORRECTION, WAITING = "correction", "waiting"


class Outcome(NamedTuple):
    """`status` is one of the four words above; only what waits has a reason."""

    status: str
    reason: str = ""


def outcome_of(call: Call) -> Outcome:
    if call.reason:
        return Outcome(WAITING, call.reason)
    return Outcome(STORED if call.previous is None else CORRECTION)

"""What became of one call record of a batch."""

from typing import NamedTuple

from calling.call import Call

STORED, DUPLICATE = "stored", "duplicate"
CORRECTION, WAITING = "correction", "waiting"


class Outcome(NamedTuple):
    """`status` is one of the four words above; only what waits has a reason."""

    status: str
    reason: str = ""


_STORED, _CORRECTED = Outcome(STORED), Outcome(CORRECTION)


def outcome_of(call: Call) -> Outcome:
    if call.reason:
        return Outcome(WAITING, call.reason)
    return _STORED if call.previous is None else _CORRECTED

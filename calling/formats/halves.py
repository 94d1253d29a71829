"""Joins the two halves of a call, which a proxy writes when it begins and when it ends.

Pure. Order does not matter: of several beginnings under one key the first counts (the
others changed a running call), of several ends the first after it. Only so many calls
are kept in mind; a half that has to be given up waits, and is joined on replay.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from calling.formats.fields import seconds_between
from calling.formats.record import CallRecordIn

HALF_RECORD = "half_record"
MOST_OPEN = 50_000  # calls under way at once
MOST_JOINED = 5_000  # for whose late halves we still look


class Halves:
    """The calls of a file that are not handed on yet, by their key."""

    def __init__(self) -> None:
        self.open: OrderedDict[str, list[CallRecordIn]] = OrderedDict()
        self.joined: OrderedDict[str, list[CallRecordIn]] = OrderedDict()

    def take(self, half: CallRecordIn) -> Iterator[CallRecordIn]:
        """Keeps one more half; yields the calls that make room for it."""
        key = half.source_record_id
        if key in self.joined:
            self.joined[key].append(half)
            return
        known = self.open.setdefault(key, [])
        known.append(half)
        if len({one.answered_at is None for one in known}) == 2:
            self.joined[key] = self.open.pop(key)
        if len(self.joined) > MOST_JOINED:
            yield join(self.joined.popitem(last=False)[1])
        if len(self.open) > MOST_OPEN:
            yield join(self.open.popitem(last=False)[1])

    def rest(self) -> Iterator[CallRecordIn]:
        for halves in (*self.joined.values(), *self.open.values()):
            yield join(halves)


def join(halves: Sequence[CallRecordIn]) -> CallRecordIn:
    """The call, or the half of it that is all there is."""
    began = sorted((half for half in halves if half.answered_at is not None), key=_when)
    ended = sorted((half for half in halves if half.answered_at is None), key=_when)
    if not began or not ended:
        return (began or ended)[0]
    first = began[0]
    after = [half for half in ended if half.ended_at >= first.ended_at]
    if not after:
        # An end before the beginning is a clock gone wrong, and nothing to bill by.
        return replace(first, body=f"{first.body}\n{ended[-1].body}")
    last = after[0]
    return replace(
        first,
        ended_at=last.ended_at,
        billable_seconds=seconds_between(first.ended_at, last.ended_at),
        body=f"{first.body}\n{last.body}",
        waits="",
    )


def _when(half: CallRecordIn) -> tuple[datetime, str]:
    return half.ended_at, half.body

"""Settles what waits, as soon as it can be settled (rule 6.6).

Each kept record is read again by its format as that is today, and goes through the same
judgement and the same settlement. Of several tellings of one call only the newest is
settled. What still cannot be settled goes on waiting, with today's reason.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from calling.call import Call
from calling.digest import digest_of
from calling.formats.record import BadRow, Profile
from calling.formats.registry import IN_HALVES, read_again
from calling.judge import find_owners, judge, owners_of
from calling.models import RawRecord, RecordState, Source, WaitingReason
from calling.seen import Seen, read_seen
from calling.settle import settle_calls
from calling.unit import Outdated, run_unit
from calling.write_calls import SETTLED, WAITING, supersede, write_states
from credits.lock import lock_wallets

BATCH = 1000


class Kept(NamedTuple):
    """A record as it came, and what was named beside it."""

    id: int
    source_id: int
    source_record_id: str
    revision: int
    digest: str
    format: str
    body: str
    reason: str
    organisation_hint: str
    time_zone: str
    assigned_to__slug: str | None
    assigned_line__identity: str | None


class Replayed(NamedTuple):
    """One settled call: where its charge is found."""

    call_id: int
    revision: int


class Batch(NamedTuple):
    """What one batch settled; `last_id` is None at the end of the queue."""

    last_id: int | None
    settled: list[Replayed]


def settle_waiting(*, at: datetime, batch: int = BATCH) -> list[Replayed]:
    """Replays the whole queue, a batch to a transaction; returns what settled."""
    settled: list[Replayed] = []
    done = Batch(0, [])
    while done.last_id is not None:
        done = settle_some_waiting(after=done.last_id, at=at, batch=batch)
        settled += done.settled
    return settled


def settle_some_waiting(*, after: int, at: datetime, batch: int = BATCH) -> Batch:
    """Replays the next records of the queue, each source's in a transaction."""
    rows = _read(_waiting().filter(pk__gt=after)[:batch])
    return Batch(rows[-1].id if rows else None, _settle(rows, at))


def settle_raw_records(raw_ids: Collection[int], *, at: datetime) -> list[Replayed]:
    """Replays these records, as far as they wait; returns what settled."""
    return _settle(_read(_waiting().filter(pk__among=list(raw_ids))), at)


def _settle(rows: Sequence[Kept], at: datetime) -> list[Replayed]:
    settled: list[Replayed] = []
    by_source = attrgetter("source_id")
    for source_id, several in groupby(sorted(rows, key=by_source), by_source):
        replay = _Replay(Source.objects.get(pk=source_id), at)
        found = run_unit(list(several), replay.settle, replay.refuse)
        settled += [one for one in found if one is not None]
    return settled


def _waiting() -> "QuerySet[RawRecord]":
    return RawRecord.objects.filter(state=RecordState.WAITING).order_by("pk")


def _read(rows: "QuerySet[RawRecord]") -> list[Kept]:
    return [Kept(*row) for row in rows.values_list("pk", *Kept._fields[1:])]


class _Replay:
    def __init__(self, source: Source, at: datetime) -> None:
        self.source = source
        self.at = at

    def settle(self, rows: Sequence[Kept]) -> list[Replayed | None]:
        whole = read_halves(rows, self.source.pk)
        calls = [
            call
            for row in rows
            if (call := read_kept(row, _body(row, whole), self.source))
        ]
        digests = {call.raw_id: digest_of(call.record) for call in calls}
        _assign_decided(calls, rows)
        directory = find_owners(calls, self.source)
        wallets = lock_wallets(owners_of(calls))
        if not directory.still_holds(wallets):
            raise Outdated
        seen = read_seen(
            self.source.pk, {call.record.source_record_id for call in calls}
        )
        calls = _untold(_newest(calls, seen), seen, digests)
        lines = judge(calls, seen, at=self.at)
        ready = [call for call in calls if not call.reason]
        self._note(calls, {row.id: row.reason for row in rows})
        supersede(ready, seen)
        settle_calls(ready, wallets, lines, source=self.source, at=self.at)
        return [Replayed(call.call_id, call.revision) for call in ready]

    def refuse(self, row: Kept) -> None:
        """Leaves the record that the database refuses to staff."""
        write_states([(row.id, WAITING, WaitingReason.REFUSED.value)])

    def _note(self, calls: Collection[Call], reasons: dict[int, str]) -> None:
        write_states(
            [
                (call.raw_id, WAITING if call.reason else SETTLED, call.reason)
                for call in calls
                if not call.reason or call.reason != reasons[call.raw_id]
            ]
        )


def read_waiting(raw_ids: Collection[int]) -> list[tuple[int, Call]]:
    """With the id of their source, the calls of those records that still wait."""
    rows = _read(_waiting().filter(pk__among=list(raw_ids)))
    sources = Source.objects.in_bulk({row.source_id for row in rows})
    found = []
    for row in rows:
        whole = read_halves([row], row.source_id)
        call = read_kept(row, _body(row, whole), sources[row.source_id])
        if call is not None:
            found.append((row.source_id, call))
    return found


def assign(call: Call, slug: str, identity: str) -> None:
    """Lets staff's word about owner and line stand above that of the record."""
    call.record.organisation_hint = slug
    call.record.user = identity or call.record.user
    call.record.is_assigned = True


def _assign_decided(calls: Collection[Call], rows: Collection[Kept]) -> None:
    decided = {row.id: row for row in rows if row.assigned_to__slug}
    for call in calls:
        row = decided.get(call.raw_id)
        if row is not None and row.assigned_to__slug:
            assign(call, row.assigned_to__slug, row.assigned_line__identity or "")


def _body(row: Kept, whole: Mapping[str, str]) -> str:
    return whole.get(row.source_record_id, row.body)


def read_kept(row: Kept, body: str, source: Source) -> Call | None:
    """The call that a kept body tells today; None where it can no longer be read."""
    profile = Profile.of(source)
    if row.time_zone:
        profile = replace(profile, zone=ZoneInfo(row.time_zone))
    try:
        record = read_again(row.format, body, profile)
    except BadRow:
        return None
    # Its key was made when it came, of what stood around it.
    record.source_record_id = row.source_record_id
    record.organisation_hint = row.organisation_hint
    return Call(
        record,
        row.digest,
        record.started_at,
        raw_id=row.id,
        raw_revision=row.revision,
    )


def read_halves(rows: Collection[Kept], source_id: int) -> dict[str, str]:
    """By record id all that came of it, in formats that tell a call in two halves."""
    wanted = {row.source_record_id for row in rows if row.format in IN_HALVES}
    if not wanted:
        return {}
    bodies: dict[str, str] = {}
    found = RawRecord.objects.filter(source=source_id, source_record_id__among=wanted)
    for record_id, body in found.order_by("revision").values_list(
        "source_record_id", "body"
    ):
        bodies[record_id] = f"{bodies.get(record_id, '')}{body}\n"
    return bodies


def _untold(
    calls: Collection[Call], seen: Seen, digests: Mapping[int, str]
) -> list[Call]:
    """Those that say something new; a late half may only complete what is told."""
    told = {call.raw_id for call in calls if _is_told(call, seen, digests[call.raw_id])}
    write_states([(raw_id, SETTLED, "") for raw_id in sorted(told)])
    return [call for call in calls if call.raw_id not in told]


def _is_told(call: Call, seen: Seen, digest: str) -> bool:
    """Whether what the halves make together has been settled before."""
    tellings = seen[call.record.source_record_id]
    return digest != call.digest and any(
        one.digest == digest and not one.waits for one in tellings
    )


def _newest(calls: Collection[Call], seen: Seen) -> list[Call]:
    """The calls whose record still waits and is the last word under its key.

    Judged after the lock: somebody else may have settled it in the meantime.
    """
    newest = []
    for call in calls:
        tellings = seen[call.record.source_record_id]
        call.call_id = tellings[0].raw_id
        last = tellings[-1]
        if last.raw_id == call.raw_id and last.waits:
            newest.append(call)
    return newest

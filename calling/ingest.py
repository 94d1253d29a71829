"""Takes in call records, exactly once, and settles them in the same transaction.

Every record is kept as it came. Under its key (source, record id) a digest seen before
is a duplicate, another digest is a correction (rule 6.7); a record without owner or
rate waits with its reason (rule 6.6). Locks the wallets first; what is acknowledged is
committed. What the database refuses is kept apart and waits for staff (unit.py).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypeAlias

from calling.call import Call
from calling.digest import digest_of
from calling.formats.record import CallRecordIn
from calling.judge import find_previous, owners_of, refuse_other_owners
from calling.models import RawRecord, Source, WaitingReason
from calling.outcome import CORRECTION, DUPLICATE, STORED, WAITING, Outcome, outcome_of
from calling.prepare import Prepared
from calling.review import ask_for_review
from calling.seen import Seen, Telling, read_seen
from calling.settle import settle_calls
from calling.unit import Outdated, no_collector, run_unit
from calling.write_calls import raw_table, supersede
from credits.bulk import Table, insert_tables, parts, reserve_ids
from credits.lock import lock_wallets
from credits.meanwhile import Ahead, can_work_meanwhile, meanwhile
from credits.models import Wallet

Placed: TypeAlias = list[tuple[int, Call]]  # a call and its place in the batch


@dataclass
class IngestResult:
    """What became of a batch; `outcomes` stand in the order of its records."""

    outcomes: list[Outcome] = field(default_factory=list)

    def count(self, status: str) -> int:
        return sum(outcome.status == status for outcome in self.outcomes)

    @property
    def stored(self) -> int:
        return self.count(STORED)

    @property
    def duplicates(self) -> int:
        return self.count(DUPLICATE)

    @property
    def corrections(self) -> int:
        return self.count(CORRECTION)

    @property
    def waiting(self) -> int:
        return self.count(WAITING)


def store_call_records(
    source: Source,
    records: Sequence[CallRecordIn],
    *,
    at: datetime,
    format_name: str = "generic-json",
) -> IngestResult:
    """Stores and settles the records of one source in one transaction."""
    batch = Batch(records, at)
    return next(store_batches(source, [batch], format_name=format_name))


class Batch(NamedTuple):
    """Records that are stored together, and when."""

    records: Sequence[CallRecordIn]
    at: datetime


def store_batches(
    source: Source, batches: Iterable[Batch], *, format_name: str = "generic-json"
) -> Iterator[IngestResult]:
    """Stores batch after batch, each in a transaction; yields what became of it.

    While the database stores one, the next is asked for and prepared. What is yielded
    is committed.
    """
    coming = iter(batches)
    batch = next(coming, None)
    door = _Door(source, format_name)
    judge_ahead = True
    while batch is not None:
        failure = following = None
        try:
            following = next(coming, None)
        except Exception as problem:  # noqa: BLE001  # what came before is stored first
            failure = problem
        door_behind = _Door(source, format_name)
        if following is not None and following.records:
            door_behind.prepare(following, is_judged=judge_ahead, before=door)
        with meanwhile(door_behind.work):
            result = door.store(batch)
        yield result
        if failure is not None:
            raise failure
        # Records that are known already need no judgement.
        judge_ahead = 2 * result.duplicates < len(batch.records)
        batch, door = following, door_behind


class _Door:
    """Where a batch comes in."""

    def __init__(self, source: Source, format_name: str) -> None:
        self.source = source
        self.format_name = format_name
        self._prepared: Prepared | None = None

    def prepare(self, batch: Batch, *, is_judged: bool, before: "_Door") -> None:
        """Reads for the batch already; SQLite, which waits for nothing, later."""
        if can_work_meanwhile():
            with no_collector():
                self._prepared = Prepared(
                    batch.records,
                    self.source,
                    at=batch.at,
                    is_judged=is_judged,
                    before=before._prepared,
                )

    @property
    def work(self) -> Ahead[None]:
        return self._prepared.work if self._prepared is not None else Ahead(iter(()))

    def store(self, batch: Batch) -> IngestResult:
        self.at = batch.at
        return IngestResult(run_unit(batch.records, self.take, self.take_refused))

    def take(self, records: Sequence[CallRecordIn]) -> list[Outcome]:
        prepared, wallets = self._locked(records)
        calls = prepared.calls()
        outcomes: dict[int, Outcome] = {}
        later = list(enumerate(calls))
        # A key told twice in one batch settles twice, like in two batches.
        while later:
            seen = self._seen(call for _, call in later)
            fresh, later = _fresh(later, seen, outcomes)
            self._settle(fresh, seen, wallets, prepared, outcomes)
        return [outcomes[place] for place in range(len(calls))]

    def _locked(
        self, records: Sequence[CallRecordIn]
    ) -> tuple[Prepared, Mapping[int, Wallet]]:
        """The calls as they are judged while the wallets of their owners are locked."""
        prepared, self._prepared = self._prepared, None
        if prepared is None or prepared.records is not records:
            prepared = Prepared(records, self.source, at=self.at)
        wallets = lock_wallets(owners_of(prepared.calls()))
        if not prepared.still_holds(wallets):
            prepared = Prepared(records, self.source, at=self.at)
            if not owners_of(prepared.calls()) <= wallets.keys():
                raise Outdated
        return prepared, wallets

    def take_refused(self, record: CallRecordIn) -> Outcome:
        """Keeps a record that the database refuses to settle; staff see to it."""
        call = Call(record, digest_of(record), record.started_at)
        outcomes: dict[int, Outcome] = {}
        seen = self._seen([call])
        fresh, _ = _fresh([(0, call)], seen, outcomes)
        if fresh:
            call.reason = WaitingReason.REFUSED.value
            self._number(fresh, seen)
            insert_tables([self._raw([call])])
            outcomes[0] = Outcome(WAITING, call.reason)
        return outcomes[0]

    def _seen(self, calls: Iterable[Call]) -> Seen:
        return read_seen(
            self.source.pk, {call.record.source_record_id for call in calls}
        )

    def _settle(
        self,
        fresh: Placed,
        seen: Seen,
        wallets: Mapping[int, Wallet],
        prepared: Prepared,
        outcomes: dict[int, Outcome],
    ) -> None:
        if not fresh:
            return
        self._number(fresh, seen)
        calls = [call for _, call in fresh]
        lines = prepared.judge(calls).facts.lines
        find_previous(calls, seen)
        refuse_other_owners(calls)
        settled = [call for call in calls if not call.reason]
        supersede(settled, seen)
        settle_calls(
            settled,
            wallets,
            lines,
            source=self.source,
            at=self.at,
            before=map(self._raw, parts(calls)),
        )
        ask_for_review(calls, self.source, at=self.at)
        for place, call in fresh:
            outcomes[place] = outcome_of(call)

    def _raw(self, calls: Sequence[Call]) -> Table:
        return raw_table(calls, self.source.pk, self.format_name, self.at)

    def _number(self, fresh: Placed, seen: Seen) -> None:
        ids = reserve_ids(RawRecord, len(fresh))
        for (_, call), raw_id in zip(fresh, ids, strict=True):
            call.raw_id = call.call_id = raw_id
            tellings = seen.get(call.record.source_record_id) if seen else None
            if tellings:
                call.call_id = tellings[0].raw_id
                call.raw_revision = tellings[-1].revision + 1


def _fresh(
    calls: Placed, seen: Seen, outcomes: dict[int, Outcome]
) -> tuple[Placed, Placed]:
    """Those to settle now, and those whose key is told a second time in the batch."""
    if not seen and len({call.record.source_record_id for _, call in calls}) == len(
        calls
    ):
        return calls, []  # most batches: every record is new
    fresh: Placed = []
    later: Placed = []
    now: dict[str, str] = {}
    for place, call in calls:
        key = call.record.source_record_id
        known = now.get(key)
        if known == call.digest or (seen and _is_known(call.digest, seen.get(key))):
            outcomes[place] = Outcome(DUPLICATE)
        elif known is not None:
            later.append((place, call))
        else:
            now[key] = call.digest
            fresh.append((place, call))
    return fresh, later


def _is_known(digest: str, tellings: Sequence[Telling] | None) -> bool:
    return tellings is not None and any(one.digest == digest for one in tellings)

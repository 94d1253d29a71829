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
from calling.prepare import Gathered, Prepared
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

    While the database stores one, the next is prepared and the one after is gone
    through. What is yielded is committed.
    """
    coming = _Coming(batches)
    door, behind = (_Door.of(coming.take(), source, format_name) for _ in range(2))
    judge_ahead = True
    while door is not None:
        third = _Door.of(coming.take(), source, format_name)
        if behind is not None:
            behind.prepare(is_judged=judge_ahead, before=door)
        with meanwhile(Ahead(_work(behind, third))):
            result = door.store()
        yield result
        # Records that are known already need no judgement.
        judge_ahead = 2 * result.duplicates < len(door.batch.records)
        door, behind = behind, third
    if coming.failure is not None:
        raise coming.failure


class _Coming:
    """The batches to come; what fails to come fails once those before are stored."""

    def __init__(self, batches: Iterable[Batch]) -> None:
        self._batches = iter(batches)
        self.failure: Exception | None = None

    def take(self) -> Batch | None:
        if self.failure is not None:
            return None
        try:
            return next(self._batches, None)
        except Exception as problem:  # noqa: BLE001  # raised by store_batches
            self.failure = problem
            return None


class _Door:
    """Where a batch comes in."""

    def __init__(self, batch: Batch, source: Source, format_name: str) -> None:
        self.batch = batch
        self.source = source
        self.format_name = format_name
        self.gathered = Gathered(batch.records, batch.at)
        self._prepared: Prepared | None = None

    @classmethod
    def of(
        cls, batch: Batch | None, source: Source, format_name: str
    ) -> "_Door | None":
        return cls(batch, source, format_name) if batch is not None else None

    def prepare(self, *, is_judged: bool, before: "_Door") -> None:
        """Reads for the batch already; SQLite, which waits for nothing, later."""
        if self.batch.records and can_work_meanwhile():
            with no_collector():
                self._prepared = Prepared(
                    self.gathered,
                    self.source,
                    is_judged=is_judged,
                    before=before._prepared,
                )

    @property
    def work(self) -> Ahead[None]:
        return self._prepared.work if self._prepared is not None else Ahead(iter(()))

    def store(self) -> IngestResult:
        found = run_unit(self.batch.records, self.take, self.take_refused)
        return IngestResult(found)

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
        if prepared is None or prepared.gathered.records is not records:
            prepared = self._prepare_anew(records)
        wallets = lock_wallets(owners_of(prepared.calls()))
        if not prepared.still_holds(wallets):
            prepared = self._prepare_anew(records)
            if not owners_of(prepared.calls()) <= wallets.keys():
                raise Outdated
        return prepared, wallets

    def _prepare_anew(self, records: Sequence[CallRecordIn]) -> Prepared:
        return Prepared(Gathered(records, self.batch.at), self.source)

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
            at=self.batch.at,
            before=map(self._raw, parts(calls)),
        )
        ask_for_review(calls, self.source, at=self.batch.at)
        for place, call in fresh:
            outcomes[place] = outcome_of(call)

    def _raw(self, calls: Sequence[Call]) -> Table:
        return raw_table(calls, self.source.pk, self.format_name, self.batch.at)

    def _number(self, fresh: Placed, seen: Seen) -> None:
        ids = reserve_ids(RawRecord, len(fresh))
        for (_, call), raw_id in zip(fresh, ids, strict=True):
            call.raw_id = call.call_id = raw_id
            tellings = seen.get(call.record.source_record_id) if seen else None
            if tellings:
                call.call_id = tellings[0].raw_id
                call.raw_revision = tellings[-1].revision + 1


def _work(behind: _Door | None, third: _Door | None) -> Iterator[None]:
    """What can be done while a batch is stored, the most urgent first."""
    while behind is not None and behind.work.step():
        yield None
    while third is not None and third.gathered.digested.step():
        yield None


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

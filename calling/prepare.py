"""Prepares a batch as far as that can be done before its wallets are locked.

First its records are gone through, which asks for nothing, two batches ahead.
Whose the calls are always comes first, since it says which wallets to lock. They are
judged as well; of a batch that waits for the one before it, while the database stores
that one. Under the lock one question tells whether all that was read still holds; if
anything has changed, it is read anew, so no value from outside decides (rule 3.10).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from calling.call import Call
from calling.digest import digest_of
from calling.formats.record import CallRecordIn
from calling.judge import Judge, judge_of, name_owners, read_judge
from calling.models import Source
from calling.owner import Directory, Mentions, read_directory
from credits.bulk import parts
from credits.meanwhile import Ahead
from credits.models import Wallet

SLICE = 100  # calls; takes about a millisecond


class Gathered:
    """The records of one batch, gone through once, slice by slice."""

    def __init__(self, records: Sequence[CallRecordIn], at: datetime) -> None:
        self.records = records
        self.at = at
        self.mentions = Mentions()
        self.starts: list[datetime] = []  # the first and the last of each slice
        self.digested = Ahead(self._slices())

    def _slices(self) -> Iterator[list[Call]]:
        for some in parts(self.records, SLICE):
            self.mentions.add(some)
            calls = [Call(one, digest_of(one), one.started_at) for one in some]
            starts = [call.started_at for call in calls]
            self.starts += (min(starts), max(starts))
            yield calls


class Prepared:
    """A batch on its way to the lock; its work is done slice by slice, or at once."""

    def __init__(
        self,
        gathered: Gathered,
        source: Source,
        *,
        is_judged: bool = True,
        before: "Prepared | None" = None,
    ) -> None:
        """What the batch `before` has read is read again only if it has changed."""
        self.gathered = gathered
        self.work: Ahead[None] = Ahead(self._slices())
        self._calls: list[Call] = []
        self._directory: Directory
        self._judge: Judge | None = None
        known = before._directory if before is not None else None
        known_judge = before._judge if before is not None else None
        while gathered.digested.step():
            pass
        self._directory = read_directory(gathered.mentions, source.owner_map, known)
        if is_judged:
            is_same = known is self._directory
            self._judge = self._read_judge(known_judge if is_same else None)

    def calls(self) -> list[Call]:
        """The calls with their owners, and judged unless that was left for later."""
        for _ in self.work:
            pass
        return self._calls

    def still_holds(self, wallets: Mapping[int, Wallet]) -> bool:
        """Whether nothing that was read has changed; the wallets are locked."""
        return self._directory.still_holds(wallets)

    def judge(self, calls: Collection[Call]) -> Judge:
        """Who has judged these calls, or does so now; the wallets are locked."""
        if self._judge is not None:
            return self._judge
        judge = judge_of(calls, at=self.gathered.at, counts=self._directory.counts)
        judge.decide(calls)
        return judge

    def _read_judge(self, known: Judge | None) -> Judge:
        numbers = self._directory.assignments.values()
        return read_judge(
            self._directory.by_id.values(),
            self.gathered.mentions.users - {""},
            {one.line_id for found in numbers for one in found if one.line_id},
            self.gathered.starts,
            at=self.gathered.at,
            counts=self._directory.counts,
            known=known,
        )

    def _slices(self) -> Iterator[None]:
        for calls in self.gathered.digested:
            name_owners(calls, self._directory)
            if self._judge is not None:
                self._judge.decide(calls)
            self._calls += calls
            yield None

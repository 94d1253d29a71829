"""Prepares a batch as far as that can be done before its wallets are locked.

Whose the calls are always comes first, since it says which wallets to lock. Of a batch
that waits for the one before it, the calls are judged ahead as well, while the database
stores that one. What the locks guard (lines with their licences, billing modes) is then
read again and compared; if anything has changed, the calls are judged anew, so no value
read outside the lock decides (rule 3.10).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from calling.call import Call
from calling.digest import digest_of
from calling.formats.record import CallRecordIn
from calling.judge import Judge, judge_of, name_owners, read_judge
from calling.models import Source
from calling.owner import read_directory
from credits.bulk import parts
from credits.meanwhile import Ahead, meanwhile

SLICE = 100  # calls; takes about a millisecond


class Prepared:
    """A batch on its way to the lock; its work is done slice by slice, or at once."""

    def __init__(
        self, records: Sequence[CallRecordIn], source: Source, *, at: datetime
    ) -> None:
        self.records = records
        self.at = at
        self.is_judged = False
        self.work: Ahead[None] = Ahead(self._slices())
        self._judge: Judge | None = None
        self._calls: list[Call] = []
        self._digested = Ahead(self._digests())
        with meanwhile(self._digested):
            self._directory = read_directory(records, source.owner_map)

    def read_ahead(self) -> None:
        """Reads what the calls are judged by, so that they are judged ahead."""
        numbers = self._directory.assignments.values()
        with meanwhile(self._digested):
            self._judge = read_judge(
                self._directory.by_id.values(),
                {record.user for record in self.records if record.user},
                {one.line_id for found in numbers for one in found if one.line_id},
                [record.started_at for record in self.records],
                at=self.at,
            )
        self.is_judged = True

    def calls(self) -> list[Call]:
        """The calls with their owners; judged as well if that was read ahead."""
        for _ in self.work:
            pass
        return self._calls

    def judge(self) -> Judge:
        """Who has judged the calls, or is to judge them; the wallets are locked."""
        if self._judge is None or (self.is_judged and not self._judge.still_holds()):
            self._judge = judge_of(self._calls, at=self.at)
            self.is_judged = False
        return self._judge

    def _digests(self) -> Iterator[list[Call]]:
        for some in parts(self.records, SLICE):
            yield [Call(one, digest_of(one), one.started_at) for one in some]

    def _slices(self) -> Iterator[None]:
        for calls in self._digested:
            name_owners(calls, self._directory)
            if self._judge is not None:
                self._judge.decide(calls)
            self._calls += calls
            yield None

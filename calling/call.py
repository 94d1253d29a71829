"""A call record on its way through a batch, and what is learned about it there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from calling.allocate import NOTHING, Parts, PoolKey
from calling.formats.record import CallRecordIn
from calling.line_facts import LineFacts
from calling.owner import Owner
from calling.rate import RatedCall
from credits.money import Micros


class Settled(NamedTuple):
    """The current charge of a call that is settled; what a correction undoes."""

    call_id: int
    organisation_id: int
    revision: int
    kind: str
    local_day: date
    currency: str
    billed_seconds: int
    rated_amount: Micros
    pool_id: int | None
    pool_seconds: int
    pool_amount: Micros
    postpaid_amount: Micros
    line_id: int | None

    @property
    def reference(self) -> str:
        return call_reference(self.call_id, self.revision)


@dataclass(slots=True)
class Call:
    """One record of a batch: as it came, then whose, which kind, what, who paid."""

    record: CallRecordIn
    digest: str
    started_at: datetime
    raw_id: int = 0
    raw_revision: int = 1
    call_id: int = 0  # the id of the first raw record under its key
    reason: str = ""  # why it waits; '' when it settles
    owner: Owner | None = None
    organisation_id: int = 0
    line: LineFacts | None = None
    kind: str = ""
    rated: RatedCall | None = None
    version_id: int | None = None
    is_postpaid: bool = False
    local_day: date = date.min
    previous: Settled | None = None  # what this telling corrects
    revision: int = 1  # of the charge: the next after the one that is undone
    currency: str = ""
    pool_keys: Sequence[PoolKey] = ()
    parts: Parts = NOTHING

    def belongs_to(self, owner: Owner) -> None:
        """Whose call it is, and so what it is charged in."""
        self.owner = owner
        organisation = owner.organisation
        self.organisation_id = organisation.id
        self.currency = organisation.currency

    def corrects(self, previous: Settled | None) -> None:
        """The charge it replaces, if there is one."""
        self.previous = previous
        self.revision = previous.revision + 1 if previous is not None else 1


def call_reference(call_id: int, revision: int) -> str:
    """What ledger entries call a revision of a call (rule 3.3)."""
    return f"call:{call_id}#{revision}"

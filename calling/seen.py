"""What is already known under the keys of a batch (rule 6.7)."""

from collections.abc import Collection, Iterable
from typing import NamedTuple, TypeAlias

from django.db.models import F

from calling.call import Settled
from calling.models import Charge, RawRecord, RecordState
from credits.bulk import read_rows


class Telling(NamedTuple):
    """One accepted digest under a key."""

    revision: int
    digest: str
    raw_id: int
    state: str

    @property
    def waits(self) -> bool:
        return self.state == RecordState.WAITING


Seen: TypeAlias = dict[str, list[Telling]]


def read_seen(source_id: int, record_ids: Collection[str]) -> Seen:
    """By record id its tellings, oldest first; one query."""
    seen: Seen = {}
    rows = (
        RawRecord.objects.filter(
            source=source_id, source_record_id__among=set(record_ids)
        )
        .order_by("source_record_id", "revision")
        .values_list("source_record_id", "revision", "digest", "pk", "state")
    )
    for record_id, revision, digest, raw_id, state in read_rows(rows):
        telling = Telling(revision, digest, raw_id, state)
        seen.setdefault(record_id, []).append(telling)
    return seen


def read_settled(call_ids: Iterable[int]) -> dict[int, Settled]:
    """By call its current charge; one query, none without calls."""
    wanted = set(call_ids)
    if not wanted:
        return {}
    rows = Charge.objects.filter(
        call_record__among=wanted, revision=F("call_record__revision")
    ).values_list(
        "call_record_id",
        "organisation_id",
        "revision",
        "kind",
        "local_day",
        "currency",
        "billed_seconds",
        "rated_amount",
        "pool_id",
        "pool_seconds",
        "pool_amount",
        "postpaid_amount",
        "line_id",
    )
    return {row[0]: Settled(*row) for row in read_rows(rows)}

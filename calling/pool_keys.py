"""Which minute pools may cover a call (rules 7.1 and 7.2)."""

from collections.abc import Iterator
from datetime import date

from calling.allocate import PoolKey
from calling.call import Call
from calling.kinds import CONFERENCE_OUT, DOMESTIC, INTERNATIONAL
from calling.line_facts import LineFacts, PlanMinutes
from calling.models import Bucket
from calling.regions import is_in_zone_a

_BUCKETS = {
    DOMESTIC: Bucket.DOMESTIC.value,
    INTERNATIONAL: Bucket.INTERNATIONAL.value,
}
CONFERENCE = Bucket.CONFERENCE.value


class PoolKeys:
    """Finds the keys of a batch's calls; those of a line and day are made once."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, str, date], list[tuple[PlanMinutes, PoolKey]]] = {}

    def of(self, call: Call) -> list[PoolKey]:
        """The pools that may cover a call, by the licences of its line at its start."""
        line, rated = call.line, call.rated
        if line is None or not line.plans or rated is None or not rated.billed_seconds:
            return []
        bucket = bucket_of(call.kind, call.record.callee)
        if not bucket:
            return []
        wanted = (line.id, bucket, call.local_day)
        made = self._made.get(wanted)
        if made is None:
            month = call.local_day.replace(day=1)
            made = self._made[wanted] = list(_keys(line, bucket, month))
        return [key for plan, key in made if plan.holds(call.started_at)]


def _keys(
    line: LineFacts, bucket: str, month: date
) -> Iterator[tuple[PlanMinutes, PoolKey]]:
    country = "" if bucket == CONFERENCE else line.usage_country
    for plan in line.plans:
        if plan.bucket == bucket and plan.covers(line.usage_country):
            owner = None if plan.is_pooled else line.id
            pk = line.organisation_id
            yield plan, PoolKey(pk, month, country, plan.family, bucket, owner)


def bucket_of(kind: str, callee: str | None) -> str:
    """The bucket whose minutes cover a kind of call, '' where none does (rule 7.2)."""
    bucket = _BUCKETS.get(kind, "")
    if kind == CONFERENCE_OUT and callee is not None and is_in_zone_a(callee):
        return CONFERENCE
    return bucket

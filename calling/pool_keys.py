"""Which minute pools may cover a call (rules 7.1 and 7.2)."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

from calling.allocate import PoolKey
from calling.call import Call
from calling.kinds import CONFERENCE_OUT, DOMESTIC, INTERNATIONAL
from calling.line_facts import LineFacts, PlanMinutes
from calling.models import Bucket
from calling.owner import Owner
from calling.regions import is_in_zone_a

_BUCKETS = {
    DOMESTIC: Bucket.DOMESTIC.value,
    INTERNATIONAL: Bucket.INTERNATIONAL.value,
}
CONFERENCE = Bucket.CONFERENCE.value
_ALWAYS = datetime.min.replace(tzinfo=UTC)
_EVER = datetime.max.replace(tzinfo=UTC)


class PoolKeys:
    """Finds the keys of a batch's calls; those of a line and day are made once."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, str, date], _Keys] = {}
        self.asked: dict[PoolKey, Owner | None] = {}  # every key, and whose it is

    def of(self, call: Call) -> Sequence[PoolKey]:
        """The pools that may cover a call, by the licences of its line at its start."""
        line, rated = call.line, call.rated
        if line is None or not line.plans or rated is None or not rated.billed_seconds:
            return ()
        bucket = _BUCKETS.get(call.kind) or bucket_of(call.kind, call.record.callee)
        if not bucket:
            return ()
        wanted = (line.id, bucket, call.local_day)
        known = self._made.get(wanted)
        at = call.started_at
        if known is None or not known.since <= at < known.until:
            known = self._made[wanted] = _look_up(line, bucket, call.local_day, at)
            self.asked |= dict.fromkeys(known.keys, call.owner)
        return known.keys


class _Keys(NamedTuple):
    """The pools of a line and bucket; they hold from `since` until `until`."""

    since: datetime
    until: datetime
    keys: Sequence[PoolKey]


def _look_up(line: LineFacts, bucket: str, day: date, at: datetime) -> _Keys:
    known = list(_keys(line, bucket, day.replace(day=1)))
    changes = [plan.starts_at for plan, _ in known]
    changes += [plan.ends_at for plan, _ in known if plan.ends_at is not None]
    return _Keys(
        max((change for change in changes if change <= at), default=_ALWAYS),
        min((change for change in changes if change > at), default=_EVER),
        [key for plan, key in known if plan.holds(at)],
    )


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

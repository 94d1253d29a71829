"""Why a minute pool is as large as it is, and who uses it (rule 7.4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import F, Sum
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from calling.models import (
    Bucket,
    CallingPlan,
    Charge,
    ExhaustionRule,
    Line,
    MinutePool,
)
from calling.pool_size import Grant, Step, period_of, read_sizes
from credits.funds import share_text

RULES: dict[str, str | Promise] = {
    ExhaustionRule.INDEPENDENT.value: _(
        "This bucket ends by itself; the plan's other minutes go on."
    ),
    ExhaustionRule.ANY_EXHAUSTS_ALL.value: _(
        "The first bucket of the plan that is used up ends all of them for the month."
    ),
}
MOST_MEMBERS = 200


@dataclass(frozen=True)
class SizeStep:
    """`licences` × `minutes` for so many days; rounded up to whole minutes."""

    licences: int
    minutes: int
    days: int
    of: int
    from_day: date
    result: int

    @property
    def is_full(self) -> bool:
        return self.days == self.of


@dataclass(frozen=True)
class Member:
    """A line that draws from the pool, and how many seconds it has drawn."""

    name: str
    seconds: int


@dataclass(frozen=True)
class PoolExplanation:
    pool: MinutePool
    plan: CallingPlan | None
    bucket: Bucket
    steps: list[SizeStep]
    kept: int  # minutes beyond the licences of today, since calls had drawn them
    granted: int
    used: int
    left: int
    reserved: int
    share: str
    rule: str | Promise
    members: list[Member]


def explain_pool(pool: MinutePool) -> PoolExplanation:
    """Four statements, whatever the number of calls."""
    period = period_of(pool.period_start, pool.organisation.zone)
    sizes = read_sizes([pool.organisation_id])
    grants = sizes.grants.get((pool.organisation_id, pool.family, pool.bucket), [])
    steps = sizes.steps(grants, pool.usage_country, pool.line_id, period)
    days = (period.end_on - period.start_on).days
    shown = [_shown(step, grants, days) for step in steps]
    plan = _plan(pool)
    granted, left = pool.granted_seconds // 60, pool.remaining_seconds // 60
    rule = plan.exhaustion_rule if plan else ExhaustionRule.INDEPENDENT.value
    return PoolExplanation(
        pool=pool,
        plan=plan,
        bucket=Bucket(pool.bucket),
        steps=shown,
        kept=granted - sum(step.result for step in shown),
        granted=granted,
        used=granted - left,
        left=left,
        reserved=pool.reserved_seconds // 60,
        share=share_text(pool.remaining_seconds, pool.granted_seconds),
        rule=RULES[rule],
        members=_members(pool, grants),
    )


def _shown(step: Step, grants: Sequence[Grant], days: int) -> SizeStep:
    """Of plans whose versions include different minutes only the sum is told."""
    each = {grant.minutes for grant in grants}
    minutes = each.pop() if len(each) == 1 else step.minutes
    result = -(-step.minutes * step.days // days)
    licences = step.minutes // minutes if minutes else 0
    return SizeStep(licences, minutes, step.days, days, step.from_day, result)


def _plan(pool: MinutePool) -> CallingPlan | None:
    plans = CallingPlan.objects.filter(
        family=pool.family, billing_mode=pool.organisation.billing_mode
    )
    return plans.order_by("-version").first()


def _members(pool: MinutePool, grants: Sequence[Grant]) -> list[Member]:
    """Who has a licence that counts here, and whoever has drawn; most drawn first."""
    drawn = dict(
        Charge.objects.filter(
            pool=pool,
            organisation=pool.organisation_id,
            call_record__revision=F("revision"),
        )
        .values_list("line_id")
        .annotate(seconds=Sum("pool_seconds"))
    )
    licensed = {
        grant.line_id
        for grant in grants
        if grant.line_id is not None
        and grant.assigned_at is not None
        and grant.assigned_at < pool.ends_at
        and (grant.released_at is None or grant.released_at > pool.starts_at)
        and pool.usage_country in {"", grant.usage_country}
        and pool.line_id in {None, grant.line_id}
    }
    names = Line.objects.filter(pk__among=licensed | {pk for pk in drawn if pk})
    members = [
        Member(name, drawn.get(pk) or 0) for pk, name in names.values_list("pk", "name")
    ]
    return sorted(members, key=lambda one: (-one.seconds, one.name))[:MOST_MEMBERS]

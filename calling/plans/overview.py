"""What an organisation has of the catalogue: plans, licences, and minutes left."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from calling.models import Line, PlanKind, Subscription
from calling.plan_minutes import PlanMinutes, read_plan_minutes
from calling.pro_rata import rest_of_month
from calling.running import running_subscriptions


@dataclass(frozen=True)
class Requirement:
    """What a feature needs; the last column says whether the organisation has it."""

    feature: object
    needs: object
    has: bool


@dataclass(frozen=True)
class PlansPage:
    subscriptions: Sequence[Subscription]
    pools: tuple[PlanMinutes, ...]
    resets_on: date
    requirements: list[Requirement]
    lines: int
    spenders: int


def read_plans(organisation: Organisation, *, at: datetime) -> PlansPage:
    """Three statements, whatever the number of lines."""
    subscriptions = list(
        running_subscriptions(organisation, at)
        .annotate(assigned=assigned_count(at))
        .prefetch_related("plan__buckets")
        .order_by("plan__kind", "plan__name")
    )
    counts = Line.objects.filter(organisation=organisation, is_active=True).aggregate(
        lines=Count("pk"), spenders=Count("pk", filter=Q(may_spend_credits=True))
    )
    kinds = {PlanKind(one.plan.kind) for one in subscriptions}
    return PlansPage(
        subscriptions=subscriptions,
        pools=read_plan_minutes(organisation, today=organisation.local_day(at)),
        resets_on=rest_of_month(at, organisation.zone).period.end_on,
        requirements=requirements(kinds, spends=bool(counts["spenders"])),
        lines=counts["lines"],
        spenders=counts["spenders"],
    )


def assigned_count(at: datetime) -> Count:
    """How many of a subscription's licences lines have."""
    given = Q(licence_rows__released_at=None) | Q(licence_rows__released_at__gt=at)
    return Count("licence_rows", filter=given & Q(licence_rows__assigned_at__lte=at))


def requirements(kinds: Collection[PlanKind], *, spends: bool) -> list[Requirement]:
    """Which licence each feature needs (rules 1.5 and 6.5)."""
    phone = PlanKind.PHONE_SYSTEM in kinds
    both = PlanKind.DOMESTIC_INTERNATIONAL in kinds
    home = both or PlanKind.DOMESTIC in kinds
    conference = PlanKind.AUDIO_CONFERENCING in kinds
    credit = _("“May spend credits” on the line")
    rows: list[tuple[object, object, bool]] = [
        (_("Emergency calls and calls among your lines"), _("Nothing"), True),
        (_("A telephone number for a line"), _("Phone System"), phone),
        (
            _("Included minutes to numbers at home"),
            _("Phone System and a domestic plan"),
            phone and home,
        ),
        (
            _("Included minutes to numbers abroad"),
            _("Phone System and a domestic and international plan"),
            phone and both,
        ),
        (
            _("Calls priced by the minute"),
            _("Phone System, pay-as-you-go and “May spend credits”"),
            phone and spends and PlanKind.PAY_AS_YOU_GO in kinds,
        ),
        (_("Calls beyond the included minutes"), credit, spends),
        (_("International calls on a domestic plan"), credit, spends),
        (
            _("Dialling out from a conference"),
            _("Audio Conferencing; beyond its minutes “May spend credits”"),
            conference,
        ),
        (_("A toll-free number"), _("Credits, for every minute"), spends),
    ]
    return [Requirement(*row) for row in rows]

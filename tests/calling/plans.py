"""The catalogue's plans, and organisations that take them by our own verbs."""

from datetime import datetime

from django.test import Client
from djmoney.money import Money

from accounts.models import BillingMode, Organisation, User
from calling.assign_licence import assign_licence
from calling.models import Bucket, CallingPlan, Line, PlanBucket, PlanKind, Subscription
from calling.models.plans import ExhaustionRule, LicenceBase
from calling.subscribe import subscribe
from tests.makers import START


def make_plan(
    family: str = "domestic",
    minutes: dict[Bucket, int] | None = None,
    *,
    price: str = "12",
    mode: BillingMode = BillingMode.PREPAID,
    requires: str = "",
    countries: tuple[str, ...] = (),
    rule: ExhaustionRule = ExhaustionRule.INDEPENDENT,
    base: LicenceBase = LicenceBase.ASSIGNED,
    kind: PlanKind = PlanKind.DOMESTIC,
) -> CallingPlan:
    plan = CallingPlan.objects.create(
        name=family.replace("-", " ").title(),
        slug=f"{family}-{mode.value.lower()}",
        family=family,
        kind=kind,
        billing_mode=mode,
        countries=list(countries),
        price=Money(price, "USD"),
        requires=requires,
        exhaustion_rule=rule,
        licence_base=base,
    )
    for bucket, included in (minutes or {}).items():
        PlanBucket.objects.create(plan=plan, bucket=bucket, minutes=included)
    return plan


def take(
    organisation: Organisation,
    plan: CallingPlan,
    *lines: Line,
    quantity: int = 0,
    at: datetime = START,
) -> Subscription:
    """A subscription with a licence for each of these lines."""
    subscription = subscribe(organisation, plan, quantity or len(lines), at=at)
    for line in lines:
        assign_licence(subscription, line, at=at)
    return subscription


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client

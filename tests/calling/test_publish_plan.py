"""Plans come in versions: a change never alters what somebody has (rule 1.5)."""

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from djmoney.money import Money

from accounts.models import AuditEvent, BillingMode, Organisation
from accounts.refusals import fence_code
from calling.models import Bucket, CallingPlan, Line, MinutePool, PlanBucket, Source
from calling.publish_plan import publish_plan
from calling.refusals import PlanNotOffered
from calling.subscribe import subscribe
from tests.calling.plans import make_plan, take
from tests.calling.telephony import MORNING, charge_of, make_record, take_in
from tests.calling.test_admin import staff
from tests.makers import START

__all__ = ["staff"]


def next_version(minutes: int, price: str) -> CallingPlan:
    plan = publish_plan(
        CallingPlan(
            name="Domestic",
            slug="domestic-2",
            family="domestic",
            kind="domestic",
            billing_mode=BillingMode.PREPAID,
            price=Money(price, "USD"),
        ),
        at=START,
    )
    PlanBucket.objects.create(plan=plan, bucket=Bucket.DOMESTIC, minutes=minutes)
    return plan


@pytest.mark.usefixtures("card")
def test_rule_1_5_a_new_version_leaves_subscriptions_as_they_are(
    formosa: Organisation, pbx: Source, mei: Line
) -> None:
    old = make_plan(minutes={Bucket.DOMESTIC: 10})
    take(formosa, old, mei)
    new = next_version(5, "20")
    old.refresh_from_db()
    assert (old.version, old.is_active, new.version) == (1, False, 2)
    take_in(pbx, make_record("a", callee="+886212345678", seconds=600))
    assert charge_of("a").pool_seconds == 600
    assert MinutePool.objects.get().granted_seconds == 600
    assert AuditEvent.objects.get(verb="publish_plan").after == {
        "plan": "domestic-2",
        "version": 2,
        "price": "20 USD",
    }


def test_only_the_newest_version_is_sold(formosa: Organisation) -> None:
    old = make_plan()
    new = next_version(5, "20")
    with pytest.raises(PlanNotOffered):
        subscribe(formosa, old, 1, at=MORNING)
    subscribe(formosa, new, 1, at=MORNING)


@pytest.mark.django_db
def test_a_replaced_version_cannot_be_sold_again() -> None:
    make_plan()
    next_version(5, "20")
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        CallingPlan.objects.filter(version=1).update(is_active=True)
    assert fence_code(refused.value) == "plan_sold_until_replaced"


def test_staff_publish_a_version_and_change_only_its_name(staff: Client) -> None:
    old = make_plan(minutes={Bucket.DOMESTIC: 10})
    given = {
        "name": "Domestic",
        "slug": "domestic-2",
        "family": "domestic",
        "kind": "domestic",
        "billing_mode": "PREPAID",
        "countries": "[]",
        "price_0": "15",
        "price_1": "USD",
        "exhaustion_rule": "independent",
        "licence_base": "assigned",
        "is_pooled": "on",
        "is_active": "on",
        "buckets-TOTAL_FORMS": "1",
        "buckets-INITIAL_FORMS": "0",
        "buckets-0-bucket": "domestic",
        "buckets-0-minutes": "20",
    }
    answer = staff.post(reverse("admin:calling_callingplan_add"), given)
    assert answer.status_code == 302, answer.text
    new = CallingPlan.objects.get(slug="domestic-2")
    assert (new.version, new.buckets.get().minutes) == (2, 20)
    old.refresh_from_db()
    assert old.superseded_at is not None
    change = reverse("admin:calling_callingplan_change", args=[new.pk])
    assert 'name="price_0"' not in staff.get(change).text
    bucket = new.buckets.get()
    changes = {
        "name": "At home",
        "is_active": "on",
        "price_0": "1",
        "buckets-TOTAL_FORMS": "1",
        "buckets-INITIAL_FORMS": "1",
        "buckets-0-id": str(bucket.pk),
        "buckets-0-plan": str(new.pk),
        "buckets-0-minutes": "99",
    }
    assert staff.post(change, changes).status_code == 302
    assert new.buckets.get().minutes == 20
    new.refresh_from_db()
    assert (new.name, new.price) == ("At home", Money("15", "USD"))

"""What staff add for an organisation goes through the verbs of its own pages."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from django.test import Client

from accounts.models import AuditEvent, BillingMode, Organisation
from calling.models import (
    Bucket,
    CallingPlan,
    Licence,
    Line,
    NumberAssignment,
    Subscription,
)
from calling.models.plans import QuantityChange
from tests.calling.plans import make_plan, take
from tests.calling.telephony import make_line
from tests.calling.test_admin import path, staff
from tests.makers import START, make_organisation

__all__ = ["staff"]
pytestmark = pytest.mark.django_db
REASON = "Asked for by telephone."


@pytest.fixture
def plan(db: None) -> CallingPlan:
    make_plan("phone-system")
    return make_plan(minutes={Bucket.DOMESTIC: 100}, requires="phone-system")


def told(staff: Client, address: str, form: Mapping[str, object]) -> str:
    """What the page says after a post, refusals and all."""
    return staff.post(address, form, follow=True).content.decode()


def asked(
    staff: Client, model: type[Subscription | Licence], action: str, pk: int
) -> str:
    form = {"action": action, "_selected_action": [pk], "confirmed": "1"}
    return told(staff, path(model, "changelist"), {**form, "reason": REASON})


def test_a_subscription_needs_what_its_plan_requires(
    staff: Client, formosa: Organisation, plan: CallingPlan
) -> None:
    form = {"organisation": formosa.pk, "plan": plan.pk, "quantity": 3}
    page = told(staff, path(Subscription, "add"), form)
    assert "Domestic needs Phone System as well." in page
    assert not Subscription.objects.exists()
    take(formosa, CallingPlan.objects.get(family="phone-system"), quantity=1)
    told(staff, path(Subscription, "add"), form)
    made = Subscription.objects.get(plan=plan)
    assert made.quantity == 3
    event = AuditEvent.objects.filter(verb="subscribe").latest("pk")
    assert event.actor is not None
    assert event.actor.email == "staff@example.com"


def test_a_plan_of_the_other_mode_is_refused_in_its_sentence(
    staff: Client, formosa: Organisation
) -> None:
    nce = make_plan("nce", mode=BillingMode.NCE)
    form = {"organisation": formosa.pk, "plan": nce.pk, "quantity": 1}
    page = told(staff, path(Subscription, "add"), form)
    assert "is not sold in the billing mode of" in page
    assert not Subscription.objects.exists()


def test_licences_change_by_the_verb_and_never_what_another_changed(
    staff: Client, formosa: Organisation
) -> None:
    subscription = take(formosa, make_plan(), quantity=2)
    address = path(Subscription, "change", subscription.pk)
    assert 'name="expected" value="2"' in staff.get(address).content.decode()
    told(staff, address, {"quantity": 5, "expected": 2})
    change = QuantityChange.objects.get()
    assert (change.before, change.after) == (2, 5)
    page = told(staff, address, {"quantity": 7, "expected": 2})
    assert "Somebody changed this meanwhile." in page
    subscription.refresh_from_db()
    assert subscription.quantity == 5


def test_a_subscription_ends_with_the_month_and_may_be_kept(
    staff: Client, formosa: Organisation
) -> None:
    subscription = take(formosa, make_plan(), quantity=2)
    asked(staff, Subscription, "end_with_the_month", subscription.pk)
    subscription.refresh_from_db()
    assert subscription.ends_at is not None
    assert AuditEvent.objects.get(verb="cancel_subscription").reason == REASON
    asked(staff, Subscription, "keep", subscription.pk)
    subscription.refresh_from_db()
    assert subscription.ends_at is None


def test_a_licence_needs_a_free_one_and_is_taken_back_with_a_reason(
    staff: Client, formosa: Organisation
) -> None:
    mei, lin = make_line(formosa), make_line(formosa)
    subscription = take(formosa, make_plan(minutes={Bucket.DOMESTIC: 100}), mei)
    form = {"subscription": subscription.pk, "line": lin.pk}
    assert "All licences of Domestic are assigned." in told(
        staff, path(Licence, "add"), form
    )
    Subscription.objects.update(quantity=2)
    told(staff, path(Licence, "add"), form)
    licence = Licence.objects.get(line=lin)
    assert AuditEvent.objects.filter(verb="assign_licence").count() == 2
    page = asked(staff, Licence, "release", licence.pk)
    assert "done." in page
    licence.refresh_from_db()
    assert licence.released_at is not None
    assert AuditEvent.objects.get(verb="release_licence").reason == REASON


def test_a_line_of_another_organisation_gets_no_licence(
    staff: Client, formosa: Organisation
) -> None:
    subscription = take(formosa, make_plan(), quantity=1)
    stranger = make_line(make_organisation())
    form = {"subscription": subscription.pk, "line": stranger.pk}
    page = told(staff, path(Licence, "add"), form)
    assert "The line belongs to another organisation." in page
    assert not Licence.objects.exists()


def test_a_line_is_added_and_changed_by_the_verbs(
    staff: Client, formosa: Organisation
) -> None:
    form = {
        "organisation": formosa.pk,
        "name": "Mei",
        "kind": "person",
        "identity": "mei@formosa.example",
        "usage_country": "TW",
        "department": "",
        "may_spend_credits": "on",
        "is_active": "on",
        "numbers-TOTAL_FORMS": 0,
        "numbers-INITIAL_FORMS": 0,
    }
    told(staff, path(Line, "add"), form)
    line = Line.objects.get()
    Line.objects.update(monthly_limit=5_000_000)
    told(staff, path(Line, "change", line.pk), {**form, "department": "Sales"})
    line.refresh_from_db()
    assert (line.department, line.monthly_limit) == ("Sales", 5_000_000)
    verbs = AuditEvent.objects.filter(verb__endswith="_line").order_by("pk")
    assert [event.verb for event in verbs] == ["add_line", "change_line"]


def test_a_number_is_given_since_a_moment_and_ends(
    staff: Client, formosa: Organisation
) -> None:
    mei = make_line(formosa)
    form: dict[str, object] = {
        "organisation": formosa.pk,
        "number": "+886223456789",
        "line": mei.pk,
        "starts_at_0": "2026-01-01",
        "starts_at_1": "00:00:00",
    }
    told(staff, path(NumberAssignment, "add"), form)
    given = NumberAssignment.objects.get()
    assert given.starts_at == datetime(2026, 1, 1, tzinfo=UTC)
    page = told(staff, path(NumberAssignment, "add"), form)
    assert "assigned at that time." in page
    ended = {"ends_at_0": "2026-02-01", "ends_at_1": "00:00:00"}
    told(staff, path(NumberAssignment, "change", given.pk), ended)
    given.refresh_from_db()
    assert given.ends_at == datetime(2026, 2, 1, tzinfo=UTC)
    assert given.starts_at < START or given.line == mei
    earlier = {**form, "starts_at_0": "2025-12-01", **ended}
    page = told(staff, path(NumberAssignment, "add"), earlier)
    assert "assigned at that time." in page
    verbs = AuditEvent.objects.filter(verb__endswith="_number").order_by("pk")
    assert [event.verb for event in verbs] == ["give_number", "end_number"]

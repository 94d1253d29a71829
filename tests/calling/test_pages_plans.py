"""Calling plans on their pages: what is shown, and each change reviewed first."""

import re
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import BillingMode, Organisation, Role, User
from calling.models import (
    Bucket,
    CallingPlan,
    Licence,
    Line,
    MinutePool,
    Source,
    Subscription,
)
from calling.models.plans import ExhaustionRule, LicenceBase, PlanKind
from calling.running import running_licences
from tests.calling.plans import make_plan, signed_in, take
from tests.calling.telephony import counted_statements, make_line, make_record, take_in
from tests.makers import make_member, make_user

pytestmark = pytest.mark.usefixtures("card")


@pytest.fixture
def client(alice: User, formosa: Organisation) -> Client:
    return signed_in(alice)


@pytest.fixture
def plan(formosa: Organisation) -> CallingPlan:
    return make_plan(minutes={Bucket.DOMESTIC: 30})


def plain(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def text_of(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, answer.text
    return plain(answer.text)


def test_nothing_yet_leads_to_plans_and_pricing(client: Client) -> None:
    text = text_of(client, "/plans/")
    assert "No plan yet." in text
    assert "No plan is offered in your currency yet." in text_of(
        client, "/plans/catalogue/"
    )


def test_plans_and_pricing_show_what_is_sold(
    client: Client, formosa: Organisation, plan: CallingPlan
) -> None:
    make_plan(
        "both",
        {Bucket.DOMESTIC: 3000, Bucket.INTERNATIONAL: 600},
        rule=ExhaustionRule.ANY_EXHAUSTS_ALL,
        price="24",
        countries=("US", "CA"),
        requires="domestic",
    )
    make_plan("nce", mode=BillingMode.NCE)
    text = text_of(client, "/plans/catalogue/")
    assert "30 domestic minutes" in text
    assert "whichever is used up first" in text
    assert "US$24.00" in text
    assert "United States, Canada" in text
    assert "Nce" not in text


def test_subscribing_goes_by_a_review(
    client: Client, formosa: Organisation, plan: CallingPlan
) -> None:
    address = f"/plans/add/{plan.pk}/"
    assert "US$12.00 per licence and month." in text_of(client, address)
    text = text_of(client, f"{address}?quantity=3")
    assert "Nothing has been ordered yet." in text
    assert "US$36.00" in text
    assert not Subscription.objects.exists()
    answer = client.post(address, {"quantity": 3})
    made = Subscription.objects.get()
    assert answer["Location"] == f"/plans/subscriptions/{made.pk}/"
    again = client.post(address, {"quantity": 3})
    assert again.status_code == 409
    assert "You have this plan already" in again.text
    assert Subscription.objects.count() == 1


@pytest.mark.parametrize("quantity", ["0", "-1", "x", "10001", ""])
def test_a_number_that_is_none_is_refused(
    client: Client, plan: CallingPlan, quantity: str
) -> None:
    address = f"/plans/add/{plan.pk}/"
    assert client.get(f"{address}?quantity={quantity}").status_code == 422
    assert client.post(address, {"quantity": quantity}).status_code == 422
    assert not Subscription.objects.exists()


def test_licences_are_changed_after_a_review(
    client: Client, formosa: Organisation, plan: CallingPlan
) -> None:
    found = take(formosa, plan, quantity=3)
    address = f"/plans/subscriptions/{found.pk}/licences/"
    text = text_of(client, f"{address}?quantity=5")
    assert "More domestic minutes this month" in text
    assert "then 60 a month" in text
    client.post(address, {"quantity": 5, "expected": 3})
    found.refresh_from_db()
    assert found.quantity == 5
    stale = client.post(address, {"quantity": 4, "expected": 3})
    assert (stale.status_code, "meanwhile" in stale.text) == (409, True)
    assert "Less for the rest of this month" in text_of(client, f"{address}?quantity=2")
    assert "3 → 5" in text_of(client, f"/plans/subscriptions/{found.pk}/")


def test_lines_are_assigned_and_released(
    client: Client, formosa: Organisation, plan: CallingPlan, mei: Line
) -> None:
    found = take(formosa, plan, quantity=1)
    ken = make_line(formosa, identity="ken")
    address = f"/plans/subscriptions/{found.pk}/"
    client.post(f"{address}lines/", {"lines": [mei.pk]})
    licence = Licence.objects.get()
    assert "mei" in text_of(client, address)
    full = client.post(f"{address}lines/", {"lines": [ken.pk]})
    assert full.status_code == 409
    assert "ken: All licences of Domestic are assigned." in full.text
    client.post(f"/plans/licences/{licence.pk}/release/")
    assert not running_licences(formosa, timezone.now()).exists()
    client.post(f"{address}lines/", {"lines": [ken.pk]})
    assert running_licences(formosa, timezone.now()).get().line == ken


def test_a_plan_is_ended_and_kept(
    client: Client, formosa: Organisation, plan: CallingPlan, mei: Line
) -> None:
    found = take(formosa, plan, mei)
    address = f"/plans/subscriptions/{found.pk}/"
    assert "1 line has a licence" in text_of(client, f"{address}cancel/")
    client.post(f"{address}cancel/")
    found.refresh_from_db()
    assert found.ends_at is not None
    assert "the last day included" in text_of(client, address)
    client.post(f"{address}keep/")
    found.refresh_from_db()
    assert found.ends_at is None


def test_rule_7_4_a_pool_explains_itself(
    client: Client, formosa: Organisation, plan: CallingPlan, mei: Line, pbx: Source
) -> None:
    take(formosa, plan, mei, make_line(formosa, identity="ken"))
    now = timezone.now()
    record = make_record("a", callee="+886212345678", seconds=600, at=now)
    take_in(pbx, record, at=now)
    pool = MinutePool.objects.get()
    text = text_of(client, f"/plans/pools/{pool.pk}/")
    assert "2 licences × 30 min" in text
    for figure in (" 60 ", " 10 ", " 50 ", "10:00", "0:00", "ken"):
        assert figure in text
    assert "This bucket ends by itself" in text
    plans = text_of(client, "/plans/")
    assert "50 of 60 min" in plans
    assert "2 of 2" in plans


def test_a_conference_pool_explains_itself(
    client: Client, formosa: Organisation, mei: Line
) -> None:
    audio = make_plan(
        "audio",
        {Bucket.CONFERENCE: 60},
        base=LicenceBase.PURCHASED,
        kind=PlanKind.AUDIO_CONFERENCING,
    )
    take(formosa, audio, mei, quantity=3)
    month = formosa.local_day(timezone.now()).replace(day=1)
    pool = MinutePool.objects.create(
        organisation=formosa,
        family="audio",
        bucket=Bucket.CONFERENCE,
        period_start=month,
        starts_at=timezone.now(),
        ends_at=timezone.now().replace(year=2100),
        granted_seconds=10_800,
        remaining_seconds=10_800,
    )
    assert "3 licences × 60 min" in text_of(client, f"/plans/pools/{pool.pk}/")


# --- who may --------------------------------------------------------------------------


def addresses(formosa: Organisation, plan: CallingPlan, mei: Line) -> dict[str, str]:
    found = take(formosa, plan, mei)
    month = formosa.local_day(timezone.now()).replace(day=1)
    pool = MinutePool.objects.create(
        organisation=formosa,
        family="domestic",
        bucket=Bucket.DOMESTIC,
        period_start=month,
        starts_at=timezone.now(),
        ends_at=timezone.now().replace(year=2100),
        granted_seconds=60,
        remaining_seconds=60,
    )
    licence = Licence.objects.get()
    return {
        f"/plans/pools/{pool.pk}/": "read",
        f"/plans/subscriptions/{found.pk}/": "read",
        f"/plans/subscriptions/{found.pk}/licences/": "buy",
        f"/plans/subscriptions/{found.pk}/cancel/": "buy",
        f"/plans/subscriptions/{found.pk}/keep/": "post",
        f"/plans/subscriptions/{found.pk}/lines/": "post",
        f"/plans/licences/{licence.pk}/release/": "post",
    }


@pytest.mark.parametrize("role", list(Role))
def test_roles_see_plans_and_those_who_buy_change_them(
    formosa: Organisation, plan: CallingPlan, mei: Line, role: Role
) -> None:
    user = make_user()
    make_member(formosa, user, role)
    client = signed_in(user)
    may = role in {Role.OWNER, Role.BILLING_ADMIN}
    assert client.get("/plans/").status_code == 200
    catalogue = client.get("/plans/catalogue/").text
    assert (f"/plans/add/{plan.pk}/" in catalogue) == may
    status = client.get(f"/plans/add/{plan.pk}/").status_code
    assert status == (200 if may else 403)
    for address, need in addresses(formosa, plan, mei).items():
        if need == "post":
            allowed = client.post(address).status_code != 403
        else:
            allowed = client.get(address).status_code == 200
        assert allowed == (may or need == "read"), address


def test_another_organisation_finds_nothing(
    charlie: User,
    contoso: Organisation,
    formosa: Organisation,
    plan: CallingPlan,
    mei: Line,
) -> None:
    client = signed_in(charlie)
    assert client.get(f"/plans/add/{plan.pk}/").status_code == 404
    for address, need in addresses(formosa, plan, mei).items():
        answer = client.post(address) if need == "post" else client.get(address)
        assert answer.status_code == 404, address
    found = Subscription.objects.get()
    mine = take(contoso, make_plan("other", mode=BillingMode.NCE), quantity=1)
    answer = client.post(f"/plans/subscriptions/{mine.pk}/lines/", {"lines": [mei.pk]})
    assert answer.status_code == 409
    assert found.quantity == 1
    assert Licence.objects.count() == 1


@pytest.mark.parametrize("address", ["/plans/", "/plans/subscriptions/{}/"])
def test_more_lines_ask_no_more(
    client: Client, formosa: Organisation, plan: CallingPlan, address: str
) -> None:
    found = take(formosa, plan, make_line(formosa), quantity=9)
    address = address.format(found.pk)

    def count() -> int:
        with counted_statements() as statements:
            client.get(address)
        return len(statements)

    client.get(address)
    before = count()
    for _ in range(5):
        line = make_line(formosa)
        Licence.objects.create(
            organisation=formosa,
            subscription=found,
            line=line,
            assigned_at=found.starts_at,
        )
    assert count() == before

"""Subscriptions: what is offered, how many, until when, and whose (rules 1.5, 1.6)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.models import AuditEvent, BillingMode, Organisation, User
from accounts.refusals import fence_code
from calling.assign_licence import assign_licence, release_licence
from calling.cancel import cancel_subscription, keep_subscription
from calling.change_quantity import change_quantity
from calling.models import (
    Bucket,
    Licence,
    Line,
    MinutePool,
    PlanBucket,
    Purpose,
    Source,
    Subscription,
)
from calling.models.plans import LicenceBase, QuantityChange
from calling.refusals import (
    AlreadySubscribed,
    ChangedMeanwhile,
    LicencesAssigned,
    LineNotInUse,
    NoLicenceLeft,
    PlanNotForCountry,
    PlanNotOffered,
    PlanRequired,
    PlanStillNeeded,
    SubscriptionEnded,
)
from calling.subscribe import subscribe
from tests.calling.plans import make_plan, take
from tests.calling.telephony import make_card, make_line, make_record, take_in
from tests.makers import START, make_hold

pytestmark = pytest.mark.usefixtures("card")

MAY_16 = datetime(2026, 5, 16, 4, tzinfo=UTC)  # noon in Taipei, of 31 days
JUNE = datetime(2026, 5, 31, 16, tzinfo=UTC)  # where June begins in Taipei
TAIPEI, TOKYO = "+886212345678", "+81312345678"


def talk(pbx: Source, name: str, minutes: int, *, at: datetime = MAY_16) -> None:
    record = make_record(name, callee=TAIPEI, seconds=60 * minutes, at=at)
    take_in(pbx, record, at=at + timedelta(hours=9))


def pool() -> tuple[int, int]:
    """Minutes granted and left, of the newest pool."""
    found = MinutePool.objects.latest("pk")
    return found.granted_seconds // 60, found.remaining_seconds // 60


# --- subscribing ----------------------------------------------------------------------


def test_an_organisation_subscribes(formosa: Organisation, alice: User) -> None:
    plan = make_plan()
    subscription = subscribe(formosa, plan, 3, at=START, actor=alice, ip="192.0.2.1")
    assert (subscription.quantity, subscription.billing_mode) == (3, "PREPAID")
    event = AuditEvent.objects.get(verb="subscribe")
    assert event.after == {"plan": plan.slug, "licences": 3}
    assert (event.actor, event.ip) == (alice, "192.0.2.1")


@pytest.mark.parametrize("mode", list(BillingMode))
def test_rule_1_2_only_plans_of_the_own_mode_are_offered(
    formosa: Organisation, contoso: Organisation, mode: BillingMode
) -> None:
    plan = make_plan(mode=mode)
    fits, other = (
        (formosa, contoso) if mode is BillingMode.PREPAID else (contoso, formosa)
    )
    with pytest.raises(PlanNotOffered):
        subscribe(other, plan, 1, at=START)
    subscribe(fits, plan, 1, at=START)
    assert Subscription.objects.get().organisation == fits


def test_what_is_not_sold_is_not_offered(formosa: Organisation) -> None:
    plan = make_plan()
    plan.is_active = False
    plan.save()
    with pytest.raises(PlanNotOffered):
        subscribe(formosa, plan, 1, at=START)


def test_one_subscription_per_plan_so_a_second_click_changes_nothing(
    formosa: Organisation,
) -> None:
    plan = make_plan()
    subscribe(formosa, plan, 1, at=START)
    with pytest.raises(AlreadySubscribed):
        subscribe(formosa, plan, 1, at=START)
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        Subscription.objects.create(
            organisation=formosa, plan=plan, quantity=1, starts_at=START
        )
    assert fence_code(refused.value) == "one_subscription_per_plan"
    assert Subscription.objects.count() == 1


def test_rule_1_5_a_calling_plan_requires_phone_system(formosa: Organisation) -> None:
    plan = make_plan(requires="phone-system")
    phone = make_plan("phone-system")
    with pytest.raises(PlanRequired) as refused:
        subscribe(formosa, plan, 1, at=START)
    assert str(refused.value) == "Domestic needs Phone System as well."
    first = subscribe(formosa, phone, 1, at=START)
    subscribe(formosa, plan, 1, at=START)
    with pytest.raises(PlanStillNeeded):
        cancel_subscription(first, at=START)


# --- changing the number --------------------------------------------------------------


def test_rule_1_6_the_fee_of_the_rest_of_the_month_is_kept(
    formosa: Organisation, alice: User
) -> None:
    """Sixteen of 31 days of two licences at 12 dollars."""
    subscription = subscribe(formosa, make_plan(), 3, at=START)
    changed = change_quantity(subscription, 5, expected=3, at=MAY_16, actor=alice)
    assert changed.quantity == 5
    change = QuantityChange.objects.get()
    assert (change.before, change.after, change.fee) == (3, 5, 12_387_096)
    change_quantity(changed, 4, expected=5, at=MAY_16)
    assert QuantityChange.objects.latest("pk").fee == -6_193_548
    assert AuditEvent.objects.filter(verb="change_quantity").count() == 2


def test_a_second_click_and_a_stale_page_change_nothing(formosa: Organisation) -> None:
    subscription = subscribe(formosa, make_plan(), 3, at=START)
    for _ in range(2):
        change_quantity(subscription, 5, expected=3, at=MAY_16)
    with pytest.raises(ChangedMeanwhile):
        change_quantity(subscription, 4, expected=3, at=MAY_16)
    assert QuantityChange.objects.count() == 1


def test_there_are_never_fewer_licences_than_lines_that_have_one(
    formosa: Organisation, mei: Line
) -> None:
    subscription = take(formosa, make_plan(), mei, make_line(formosa))
    with pytest.raises(LicencesAssigned):
        change_quantity(subscription, 1, expected=2, at=MAY_16)
    subscription.refresh_from_db()
    assert subscription.quantity == 2


def test_rule_1_6_added_licences_add_minutes_by_the_day_and_at_once(
    formosa: Organisation, pbx: Source, mei: Line
) -> None:
    """Ten minutes; sixteen of 31 days of ten more are rounded up to six."""
    plan = make_plan(minutes={Bucket.DOMESTIC: 10})
    subscription = take(formosa, plan, mei)
    talk(pbx, "a", 10)
    assert pool() == (10, 0)
    change_quantity(subscription, 2, expected=1, at=MAY_16)
    assert pool() == (10, 0)  # nobody has it yet, and assigned licences count
    assign_licence(subscription, make_line(formosa), at=MAY_16)
    assert pool() == (16, 6)
    assert MinutePool.objects.get().exhausted_at is None


@pytest.mark.parametrize(("talked", "left"), [(2, 8), (14, 0)])
def test_rule_1_6_giving_licences_up_leaves_what_was_drawn(
    formosa: Organisation,
    pbx: Source,
    mei: Line,
    talked: int,
    left: int,
) -> None:
    plan = make_plan(minutes={Bucket.DOMESTIC: 10})
    ken = make_line(formosa)
    subscription = take(formosa, plan, mei, ken)
    talk(pbx, "a", talked)
    release_licence(Licence.objects.get(line=ken), at=MAY_16)
    assert pool() == (20, 20 - talked)  # released, and still paid for
    change_quantity(subscription, 1, expected=2, at=MAY_16)
    assert pool() == (max(10, talked), left)
    assert (MinutePool.objects.get().exhausted_at is None) == (left > 0)


def test_rule_1_6_what_is_reserved_stays_too(
    formosa: Organisation, pbx: Source, mei: Line
) -> None:
    plan = make_plan(minutes={Bucket.DOMESTIC: 10})
    ken = make_line(formosa)
    subscription = take(formosa, plan, mei, ken)
    talk(pbx, "a", 9)
    make_hold(formosa, "0", pool=MinutePool.objects.get(), pool_seconds=300, at=MAY_16)
    release_licence(Licence.objects.get(line=ken), at=MAY_16)
    change_quantity(subscription, 1, expected=2, at=MAY_16)
    assert pool() == (14, 5)


def test_a_pool_made_after_the_change_is_as_large_as_one_changed(
    formosa: Organisation, pbx: Source, mei: Line
) -> None:
    """Two at first, one given up, then two more for the last sixteen days."""
    plan = make_plan(minutes={Bucket.DOMESTIC: 10})
    ken = make_line(formosa)
    subscription = take(formosa, plan, mei, ken)
    release_licence(Licence.objects.get(line=ken), at=MAY_16)
    change_quantity(subscription, 1, expected=2, at=MAY_16 + timedelta(minutes=1))
    later = MAY_16 + timedelta(minutes=2)
    change_quantity(subscription, 3, expected=1, at=later)
    for line in (ken, make_line(formosa)):
        assign_licence(subscription, line, at=later)
    talk(pbx, "a", 1, at=later)
    assert pool() == (10 + 11, 20)


def test_licences_bought_count_where_the_plan_says_so(
    formosa: Organisation, pbx: Source, mei: Line
) -> None:
    make_card([{"prefix": "81"}], name="Conference", purpose=Purpose.CONFERENCE)
    plan = make_plan("audio", {Bucket.CONFERENCE: 31}, base=LicenceBase.PURCHASED)
    subscription = take(formosa, plan, mei, quantity=2)
    record = make_record("a", callee=TOKYO, kind="conference_out", at=MAY_16)
    take_in(pbx, record, at=MAY_16)
    assert pool() == (62, 61)
    change_quantity(subscription, 3, expected=2, at=MAY_16)
    assert pool() == (62 + 16, 77)
    change_quantity(subscription, 1, expected=3, at=MAY_16 + timedelta(hours=1))
    assert pool() == (31, 30)


# --- ending ---------------------------------------------------------------------------


def test_a_subscription_ends_with_the_month_where_the_organisation_is(
    formosa: Organisation, pbx: Source, mei: Line
) -> None:
    subscription = take(formosa, make_plan(minutes={Bucket.DOMESTIC: 10}), mei)
    for _ in range(2):
        ended = cancel_subscription(subscription, at=MAY_16)
        assert ended.ends_at == JUNE
    talk(pbx, "last", 1, at=JUNE - timedelta(seconds=1))
    talk(pbx, "beyond", 1, at=JUNE)
    assert pool() == (10, 9)
    assert MinutePool.objects.count() == 1
    with pytest.raises(SubscriptionEnded):
        change_quantity(subscription, 5, expected=1, at=MAY_16)
    assert AuditEvent.objects.filter(verb="cancel_subscription").count() == 1


def test_a_cancellation_can_be_taken_back_until_then(formosa: Organisation) -> None:
    plan = make_plan()
    subscription = subscribe(formosa, plan, 1, at=START)
    cancel_subscription(subscription, at=MAY_16)
    with pytest.raises(AlreadySubscribed):
        subscribe(formosa, plan, 1, at=MAY_16)
    assert keep_subscription(subscription, at=MAY_16).ends_at is None
    cancel_subscription(subscription, at=MAY_16)
    with pytest.raises(SubscriptionEnded):
        keep_subscription(subscription, at=JUNE)
    subscribe(formosa, plan, 1, at=JUNE)


# --- licences -------------------------------------------------------------------------


def test_a_licence_is_given_and_taken_back_once(
    formosa: Organisation, mei: Line, alice: User
) -> None:
    subscription = subscribe(formosa, make_plan(), 1, at=START)
    given = [
        assign_licence(subscription, mei, at=MAY_16, actor=alice) for _ in range(2)
    ]
    assert given[0] == given[1]
    with pytest.raises(NoLicenceLeft):
        assign_licence(subscription, make_line(formosa), at=MAY_16)
    later = MAY_16 + timedelta(hours=1)
    for moment in (later, later + timedelta(hours=1)):
        assert release_licence(given[0], at=moment).released_at == later
    assign_licence(subscription, make_line(formosa), at=later)
    verbs = AuditEvent.objects.order_by("pk").values_list("verb", flat=True)
    assert list(verbs)[1:] == ["assign_licence", "release_licence", "assign_licence"]


def test_rule_1_5_a_line_needs_what_the_plan_requires(
    formosa: Organisation, mei: Line
) -> None:
    phone = subscribe(formosa, make_plan("phone-system"), 1, at=START)
    plan = subscribe(formosa, make_plan(requires="phone-system"), 1, at=START)
    with pytest.raises(PlanRequired):
        assign_licence(plan, mei, at=START)
    first = assign_licence(phone, mei, at=START)
    second = assign_licence(plan, mei, at=START)
    with pytest.raises(PlanStillNeeded) as refused:
        release_licence(first, at=MAY_16)
    assert str(refused.value) == "Phone System is still needed for Domestic."
    release_licence(second, at=MAY_16)
    release_licence(first, at=MAY_16)
    assert not Licence.objects.filter(released_at=None).exists()


def test_a_plan_is_sold_for_its_countries_and_a_line_must_be_in_use(
    formosa: Organisation, mei: Line
) -> None:
    subscription = subscribe(formosa, make_plan(countries=("US",)), 2, at=START)
    with pytest.raises(PlanNotForCountry):
        assign_licence(subscription, mei, at=START)
    gone = make_line(formosa, usage_country="US", is_active=False)
    with pytest.raises(LineNotInUse):
        assign_licence(subscription, gone, at=START)
    assert not Licence.objects.exists()


# --- fences ---------------------------------------------------------------------------


def test_rule_1_5_what_a_plan_includes_and_costs_never_changes(
    formosa: Organisation,
) -> None:
    plan = make_plan(minutes={Bucket.DOMESTIC: 10})
    subscribe(formosa, plan, 1, at=START)
    for change in (
        {"requires": "other"},
        {"is_pooled": False},
        {"licence_base": "purchased"},
        {"countries": ["US"]},
        {"version": 2},
    ):
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            type(plan).objects.update(**change)
        assert fence_code(refused.value) == "plan_terms_kept"
    for write in (
        lambda: PlanBucket.objects.update(minutes=5),
        lambda: PlanBucket.objects.all().delete(),
        lambda: PlanBucket.objects.create(
            plan=plan, bucket=Bucket.INTERNATIONAL, minutes=5
        ),
    ):
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            write()
        assert fence_code(refused.value) == "plan_terms_kept"
    plan.name = "Another name"
    plan.save()
    assert PlanBucket.objects.get().minutes == 10


def test_changes_of_licences_are_kept(formosa: Organisation) -> None:
    subscription = subscribe(formosa, make_plan(), 1, at=START)
    change_quantity(subscription, 2, expected=1, at=MAY_16)
    for write in (
        lambda: QuantityChange.objects.update(fee=0),
        lambda: QuantityChange.objects.all().delete(),
    ):
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            write()
        assert fence_code(refused.value) == "quantity_change_kept"

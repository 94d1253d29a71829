"""Our books and Stripe's are compared, and differences heal or are for staff (4.4)."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import stripe
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ
from django_q.signing import SignedPackage
from pytest_django.fixtures import Settings

from accounts import named_job
from accounts.models import AuditEvent, JobRun, StaffTask, User
from billing import jobs
from billing.apply_outcome import NOT_ATTRIBUTED
from billing.keep_event import EVENTS
from billing.models import (
    Dispute,
    ReconciliationKind,
    ReconciliationRun,
    Refund,
    RefundState,
    StripeInbox,
    TopUp,
    TopUpState,
)
from billing.reconciling import compare_sides, compare_theirs, page_sides
from billing.reconciling.add_up import TOTALS_DIFFER
from billing.reconciling.compare_ours import NOT_AT_STRIPE
from billing.reconciling.compare_with_stripe import NOT_COMPARED, compare_next
from billing.reconciling.open_orders import reconcile_open_orders
from billing.refusals import PaymentsUnavailable
from billing.reversing.refund import refund_top_up
from billing.work_event import WORKERS, finish_payment
from credits.models import Lot, Wallet
from credits.money import to_micros
from credits.prove import prove as prove_credits
from tests import makers
from tests.billing.buying import Buyer, assert_paid_once
from tests.billing.test_top_up_attribution import foreign_payment

TASKS = "/admin/accounts/stafftask/"
INBOX = "/admin/billing/stripeinbox/"
RUNS = "/admin/billing/reconciliationrun/"
REASON = "Bought twice by mistake, case 12."


def soon() -> datetime:
    """Later than any webhook may take."""
    return timezone.now() + timedelta(minutes=15)


@pytest.fixture
def root(client: Client, db: None, settings: Settings) -> User:
    settings.STAFF_NEED_SECOND_FACTOR = False
    root = User.objects.create_superuser("root@provider.example", "correct horse")
    client.force_login(root)
    return root


def paid(buyer: Buyer, amount: str = "100") -> TopUp:
    top_up = buyer.start(amount)
    buyer.pay(top_up)
    buyer.come_back(top_up)
    top_up.refresh_from_db()
    assert top_up.is_paid
    return top_up


def open_round(at: datetime | None = None) -> ReconciliationRun:
    return reconcile_open_orders(
        at or soon(), is_over=lambda: False, lasted=lambda: timedelta(seconds=2)
    )


def both_ways(at: datetime | None = None) -> ReconciliationRun:
    """A whole comparison, page by page, events worked as the worker would."""
    moment, cursor = at or soon(), ""
    while cursor := compare_next(cursor, at=moment):
        pass
    return ReconciliationRun.objects.filter(kind=ReconciliationKind.BOTH_WAYS)[0]


def quiet(buyer: Buyer) -> None:
    """As if every event had come and been worked."""
    buyer.events(*EVENTS)
    StripeInbox.objects.update(worked_at=timezone.now())


def assert_proven() -> None:
    assert prove_credits(at=timezone.now()).breaches == []


# --- our open orders, every 15 minutes ------------------------------------------------


def test_every_event_we_ask_for_is_worked_by_somebody() -> None:
    for name in EVENTS:
        assert any(name.startswith(prefix) for prefix in WORKERS), name


def test_open_orders_of_every_kind_are_asked_about(buyer: Buyer) -> None:
    first = paid(buyer)
    open_one = buyer.start("50")
    buyer.pay(open_one)
    buyer.sandbox.fail("refund_pending")
    refund = refund_top_up(
        first,
        to_micros("10"),
        client_key="r",
        reason=REASON,
        actor=buyer.owner,
        at=timezone.now(),
    )
    assert refund.state == RefundState.PENDING
    buyer.sandbox.settle_refund(refund.stripe_refund_id)
    quiet(buyer)
    at = timezone.now() + timedelta(hours=2)
    run = open_round(at)
    open_one.refresh_from_db()
    refund.refresh_from_db()
    assert open_one.state == TopUpState.PAID
    assert refund.state == RefundState.SUCCEEDED
    assert (run.compared, run.differences, run.error) == (2, 2, "")
    assert (run.started_at, run.ended_at) == (at, at + timedelta(seconds=2))
    again = open_round(at + timedelta(minutes=15))
    assert (again.compared, again.differences) == (0, 0)
    assert_proven()


def test_events_that_never_came_are_found_and_queued(buyer: Buyer) -> None:
    top_up = buyer.start()
    buyer.pay(top_up)
    TopUp.objects.update(looked_at=soon() + timedelta(days=1))  # not due by itself
    run = open_round()
    assert run.differences == StripeInbox.objects.count() == 2
    queued = [SignedPackage.loads(row.payload)["func"] for row in OrmQ.objects.all()]
    assert queued.count("billing.jobs.work_inbox") == 2
    for row in StripeInbox.objects.all():
        jobs.work_inbox(row.pk)
    assert_paid_once(top_up)
    assert open_round().differences == 0


def test_event_that_may_still_come_by_webhook_is_left_to_it(buyer: Buyer) -> None:
    top_up = buyer.start()
    buyer.pay(top_up)
    assert open_round(timezone.now()).differences == 0
    assert not StripeInbox.objects.exists()


def test_run_says_that_stripe_did_not_answer_and_the_job_too(buyer: Buyer) -> None:
    buyer.start()
    buyer.sandbox.fail("http_500", "/v1/events", method="GET")
    with pytest.raises(PaymentsUnavailable):
        jobs.reconcile_orders()
    run = ReconciliationRun.objects.get()
    assert run.error.startswith("PaymentsUnavailable")
    assert run.ended_at is not None
    assert JobRun.objects.get(name="billing.jobs.reconcile_orders").has_failed


# --- seven days, both directions ------------------------------------------------------


def test_books_that_agree_show_no_difference(buyer: Buyer) -> None:
    top_up = paid(buyer)
    refund_top_up(
        top_up,
        to_micros("10"),
        client_key="r",
        reason=REASON,
        actor=buyer.owner,
        at=timezone.now(),
    )
    quiet(buyer)
    run = both_ways()
    assert (run.differences, run.error) == (0, "")
    assert run.compared >= 4  # payment and refund, from either side
    assert run.ended_at is not None
    assert not StaffTask.objects.exists()


def test_payment_nobody_told_us_about_becomes_credit(buyer: Buyer) -> None:
    top_up = buyer.start()
    buyer.pay(top_up)
    quiet(buyer)
    run = both_ways()
    assert run.differences == 1
    assert_paid_once(top_up)
    assert both_ways().differences == 0


def test_payment_without_a_top_up_is_found_and_is_for_staff(
    buyer: Buyer, alice: User
) -> None:
    top_up = paid(buyer)
    stray = foreign_payment(buyer, top_up, metadata={"shop": "7"})
    quiet(buyer)
    assert both_ways().differences == 1
    assert_paid_once(top_up)
    task, total = StaffTask.objects.order_by("pk")
    assert (task.kind, task.reference) == (NOT_ATTRIBUTED, stray)
    assert total.kind == TOTALS_DIFFER
    # Once a person has decided, it is no difference any more.
    StaffTask.objects.update(done_at=timezone.now(), done_by=alice)
    assert both_ways().differences == 0


def test_refund_and_dispute_made_at_stripe_are_taken_over(buyer: Buyer) -> None:
    first, second = paid(buyer), paid(buyer)
    made = stripe.Refund.create(
        payment_intent=first.stripe_payment_intent_id, amount=1_000
    )
    buyer.sandbox.open_dispute(second.stripe_payment_intent_id)
    quiet(buyer)
    assert both_ways().differences == 2
    assert Refund.objects.get().stripe_refund_id == made.id
    assert Dispute.objects.get().stands
    assert Wallet.objects.get().credit == to_micros("90")
    assert both_ways().differences == 0
    assert_proven()


def test_top_up_that_stripe_does_not_know_is_for_staff(buyer: Buyer) -> None:
    lost = makers.make_top_up(buyer.organisation, "50", at=timezone.now())
    assert both_ways().differences == 1
    task, total = StaffTask.objects.order_by("pk")
    assert total.kind == TOTALS_DIFFER
    assert (task.kind, task.reference) == (NOT_AT_STRIPE, f"top-ups:{lost.pk}")
    assert "Stripe knows no such payment" in task.detail
    assert task.organisation == buyer.organisation


def test_what_is_older_than_seven_days_is_not_compared(buyer: Buyer) -> None:
    at = timezone.now() - timedelta(days=8)
    makers.make_top_up(buyer.organisation, "50", at=at)
    assert both_ways().compared == 0


def test_one_that_cannot_be_compared_does_not_stop_the_others(
    buyer: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    top_up = buyer.start()
    buyer.pay(top_up)
    stray = foreign_payment(buyer, top_up, metadata={"shop": "7"})
    quiet(buyer)
    finish = finish_payment

    def broken(payment: Any, *, at: datetime) -> None:
        if payment.id == stray:
            raise ValueError("no such shop")
        finish(payment, at=at)

    monkeypatch.setattr(compare_theirs, "finish_payment", broken)
    assert both_ways().differences == 2
    assert_paid_once(top_up)
    task = StaffTask.objects.get()
    assert (task.kind, task.reference) == (NOT_COMPARED, f"payments:{stray}")
    assert task.detail == "ValueError: no such shop"


def test_b59_comparison_goes_on_where_its_time_ran_out(
    buyer: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    top_up = buyer.start()
    buyer.pay(top_up)
    monkeypatch.setattr(page_sides, "PAGE", 1)
    monkeypatch.setattr(named_job, "LONGEST_RUN", -1)
    runs = 0
    while True:
        jobs.compare_with_stripe()
        runs += 1
        job = JobRun.objects.get(name="billing.jobs.compare_with_stripe")
        if not job.cursor:
            break
        assert runs < 50
    assert runs > len(compare_sides.SIDES)
    queued = [SignedPackage.loads(row.payload)["func"] for row in OrmQ.objects.all()]
    assert queued.count("billing.jobs.compare_with_stripe") == runs - 1
    run = ReconciliationRun.objects.get()
    assert run.ended_at is not None
    assert_paid_once(top_up)


def test_comparison_that_failed_half_way_keeps_the_error_and_is_finished_later(
    buyer: Buyer,
) -> None:
    paid(buyer)
    at = soon()
    cursor = compare_next("", at=at)
    buyer.sandbox.fail("http_500", "/v1/payment_intents", method="GET")
    with pytest.raises(PaymentsUnavailable):
        compare_next(cursor, at=at)
    assert ReconciliationRun.objects.get().error
    while cursor := compare_next(cursor, at=at):
        pass
    run = ReconciliationRun.objects.get()
    assert (run.error, run.ended_at) == ("", at)
    # The cursor of an old one is worth nothing: Stripe's pages have moved on.
    compare_next(f"{run.pk}:1:", at=at + timedelta(days=1))
    assert ReconciliationRun.objects.count() == 2


# --- what staff do --------------------------------------------------------------------


def act(client: Client, page: str, action: str, *rows: int) -> str:
    chosen = {"action": action, "_selected_action": list(rows)}
    answer = client.post(page, chosen, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_b58_event_is_processed_again_with_one_click(
    client: Client, root: User, buyer: Buyer
) -> None:
    top_up = buyer.start()
    buyer.pay(top_up)
    event = buyer.events("payment_intent.succeeded")[0]
    # Marked as worked by a version that did nothing with it.
    StripeInbox.objects.update(worked_at=timezone.now())
    assert "The event was worked." in act(client, INBOX, "process_again", event.pk)
    assert_paid_once(top_up)
    for _ in range(2):
        act(client, INBOX, "process_again", event.pk)
    assert_paid_once(top_up)


def test_b58_error_of_processing_again_is_shown(
    client: Client, root: User, buyer: Buyer
) -> None:
    top_up = buyer.start()
    buyer.pay(top_up)
    event = buyer.events("payment_intent.succeeded")[0]
    buyer.sandbox.fail("http_500", "/v1/payment_intents", method="GET")
    assert "PaymentsUnavailable" in act(client, INBOX, "process_again", event.pk)
    event.refresh_from_db()
    assert event.worked_at is None
    assert not Lot.objects.exists()


def test_task_is_replayed_with_one_click_and_done_once_both_sides_agree(
    client: Client, root: User, buyer: Buyer
) -> None:
    top_up = paid(buyer)
    payment = top_up.stripe_payment_intent_id
    quiet(buyer)
    task = StaffTask.objects.create(
        kind=NOT_COMPARED,
        reference=f"payments:{payment}",
        detail="KeyError: 'x'",
        created_at=timezone.now(),
    )
    assert "Both sides agree now." in act(client, TASKS, "process_again", task.pk)
    task.refresh_from_db()
    assert task.done_by == root
    event = AuditEvent.objects.get(verb="replay_staff_task")
    assert (event.actor, event.reason) == (root, "Both sides agree now.")


def test_task_that_only_a_person_can_decide_stays(
    client: Client, root: User, buyer: Buyer
) -> None:
    top_up = paid(buyer)
    stray = foreign_payment(buyer, top_up, metadata={"shop": "7"})
    quiet(buyer)
    both_ways()
    task = StaffTask.objects.get(reference=stray)
    told = act(client, TASKS, "process_again", task.pk)
    assert "succeeded at Stripe and still no top-up of ours" in told
    other = StaffTask.objects.create(
        kind="feed_silent", reference="pbx", detail="", created_at=timezone.now()
    )
    told = act(client, TASKS, "process_again", other.pk)
    assert "Only a person can decide this." in told
    open_ones = StaffTask.objects.filter(done_at=None)
    assert open_ones.exclude(kind=TOTALS_DIFFER).count() == 2


def test_page_says_when_each_kind_last_ran_and_what_it_found(
    client: Client, root: User, buyer: Buyer
) -> None:
    assert client.get(RUNS).content.decode().count("never") == 2
    top_up = buyer.start()
    buyer.pay(top_up)
    quiet(buyer)
    both_ways()
    page = client.get(RUNS).content.decode()
    assert "1 difference" in page
    assert "Seven days, in both directions" in page
    both_ways()
    assert "no difference" in client.get(RUNS).content.decode()


def test_replays_need_the_permission(
    client: Client, buyer: Buyer, settings: Settings
) -> None:
    settings.STAFF_NEED_SECOND_FACTOR = False
    client.force_login(makers.make_user("support@provider.example", is_staff=True))
    for page in (TASKS, INBOX, RUNS):
        assert client.get(page).status_code == 403

"""Stripe's events come twice, late, in any order, or never (rule 4.4)."""

from datetime import timedelta
from itertools import permutations

import pytest
from django.utils import timezone
from djstripe.models import PaymentIntent

from accounts.models import (
    StaffTask,
)
from billing import jobs
from billing.keep_event import EVENTS
from billing.models import StripeInbox, TopUp
from billing.reconcile import (
    MOST_TRIES,
    work_waiting_events,
)
from billing.refusals import (
    PaymentsUnavailable,
)
from billing.work_event import work_event
from tests import makers
from tests.billing.buying import DECLINED, Buyer, assert_paid_once


def test_b4_events_in_any_order_ten_times_each_make_one_lot(buyer: Buyer) -> None:
    top_up = buyer.start()
    buyer.pay(top_up, DECLINED)
    buyer.pay(top_up)
    wanted = [name for name in EVENTS if "processing" not in name]
    events = [row for row in buyer.events() if row.type in wanted]
    assert len(events) == 3
    for order in permutations(events):
        for event in order:
            for _ in range(10):
                # Worked anew each time, as if it had never been marked.
                StripeInbox.objects.filter(pk=event.pk).update(worked_at=None)
                work_event(event.pk, at=timezone.now())
    assert_paid_once(top_up)
    assert not StaffTask.objects.exists()
    assert PaymentIntent.objects.get().stripe_data["status"] == "succeeded"


def test_event_is_worked_once(buyer: Buyer) -> None:
    top_up = buyer.start()
    buyer.pay(top_up)
    event = buyer.events("payment_intent.succeeded")[0]
    work_event(event.pk, at=timezone.now())
    work_event(event.pk, at=timezone.now())
    event.refresh_from_db()
    assert (event.tries, event.error) == (1, "")
    assert_paid_once(top_up)


def test_event_that_fails_is_noted_and_worked_by_the_sweep(buyer: Buyer) -> None:
    top_up = buyer.start()
    buyer.pay(top_up)
    event = buyer.events("payment_intent.succeeded")[0]
    buyer.sandbox.fail("http_500", "/v1/payment_intents", method="GET")
    with pytest.raises(PaymentsUnavailable):
        work_event(event.pk, at=timezone.now())
    event.refresh_from_db()
    assert event.worked_at is None
    assert event.error.startswith("PaymentsUnavailable")
    later = timezone.now() + timedelta(minutes=10)
    assert work_waiting_events(later) == 1
    assert_paid_once(top_up)


def test_event_nobody_can_work_ends_on_the_staff_list(db: None) -> None:
    event = StripeInbox.objects.create(
        event_id="evt_1",
        type="payment_intent.succeeded",
        payload={},
        received_at=makers.START,
        tries=MOST_TRIES,
        error="KeyError: 'data'",
    )
    assert work_waiting_events(timezone.now()) == 0
    assert StaffTask.objects.get().reference == "evt_1"
    event.refresh_from_db()
    assert event.worked_at is None


def test_job_asks_about_every_open_top_up_once(buyer: Buyer) -> None:
    long_ago = timezone.now() - timedelta(minutes=5)
    started = [buyer.start("50", at=long_ago) for _ in range(7)]
    buyer.pay(started[6])
    jobs.reconcile_orders()
    states = TopUp.objects.order_by("id").values_list("state", flat=True)
    assert list(states) == ["started"] * 6 + ["paid"]
    assert not TopUp.objects.filter(looked_at=None).exists()

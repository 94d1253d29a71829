"""Stripe's events come twice, late, in any order, or never (rule 4.4)."""

from datetime import timedelta
from functools import cache
from itertools import permutations
from typing import Any

import pytest
import stripe
from django.db import transaction
from django.utils import timezone
from djstripe.models import PaymentIntent

from accounts.models import Notice, StaffTask
from billing import gateway, jobs
from billing.keep_event import EVENTS
from billing.models import Dispute, Refund, StripeInbox, TopUp
from billing.reconciling.reconcile import (
    MOST_TRIES,
    work_waiting_events,
)
from billing.refusals import (
    PaymentsUnavailable,
)
from billing.reversing import dispute, paid_sale, work_refund
from billing.work_event import work_event
from credits.models import LedgerEntry, Wallet
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


def test_r5_all_orders_of_six_events_end_the_same(
    buyer: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Declined, paid, refunded in part, disputed: all 720 orders end in one state."""
    top_up = buyer.start()
    buyer.pay(top_up, DECLINED)
    buyer.pay(top_up)
    payment = buyer.payment_of(top_up)
    stripe.Refund.create(payment_intent=payment, amount=1_000)
    buyer.sandbox.open_dispute(payment, amount=2_000)
    wanted = ["payment_intent.payment_failed", "payment_intent.succeeded"]
    wanted += ["checkout.session.completed", "refund.created"]
    wanted += ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    events = buyer.events(*wanted)
    assert len(events) == 6
    remember_what_stripe_says(monkeypatch)
    ends = {books for done, books in reached(events) if len(done) == 6}
    assert len(ends) == 1
    [(credit, kinds, refunds, disputes, *_)] = ends
    assert credit == 70_000_000
    assert kinds == ("dispute", "purchase", "refund")
    assert (refunds, disputes) == (("succeeded",), ("needs_response",))


Reached = set[tuple[frozenset[int], Any]]


def reached(
    events: list[StripeInbox],
    done: frozenset[int] = frozenset(),
    seen: Reached | None = None,
) -> Reached:
    """Every state that some order leads to; from equal states nothing is tried twice.

    A state is which events were worked and what they left behind.
    """
    seen = set() if seen is None else seen
    for event in events:
        if event.pk in done:
            continue
        before = transaction.savepoint()
        work_event(event.pk, at=makers.START)
        state = (done | {event.pk}, books())
        if state not in seen:
            seen.add(state)
            reached(events, state[0], seen)
        transaction.savepoint_rollback(before)
    return seen


def remember_what_stripe_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says the same each time; asking it 7,000 times would only take long."""
    for module, name in (
        (gateway, "fetch_payment"),
        (gateway, "fetch_checkout"),
        (dispute, "fetch_dispute"),
        (work_refund, "fetch_refund"),
        (paid_sale, "fetch_payment"),
    ):
        monkeypatch.setattr(module, name, cache(getattr(module, name)))
    monkeypatch.setattr(gateway, "mirror_payment", lambda payment: None)


def books() -> tuple[Any, ...]:
    """What the events left behind, without the order and the ids it got."""
    wallet, top_up = Wallet.objects.get(), TopUp.objects.get()

    def sorted_of(model: Any, *columns: str) -> tuple[Any, ...]:
        return tuple(sorted(model.objects.values_list(*columns, flat=len(columns) < 2)))

    return (
        wallet.credit,
        sorted_of(LedgerEntry, "kind"),
        sorted_of(Refund, "state"),
        sorted_of(Dispute, "status"),
        (wallet.debt, wallet.incoming, top_up.state, top_up.failure_code),
        sorted_of(LedgerEntry, "kind", "amount"),
        sorted_of(StaffTask, "kind", "detail"),
        sorted_of(Notice, "kind", "recipient"),
    )


def test_r5_payment_whose_events_come_seven_days_late_is_credited_once(
    buyer: Buyer,
) -> None:
    top_up = buyer.start()
    buyer.pay(top_up)
    events = buyer.events(*EVENTS)
    late = timezone.now() + timedelta(days=7)
    for event in [*events, *reversed(events)]:
        StripeInbox.objects.filter(pk=event.pk).update(worked_at=None)
        work_event(event.pk, at=late)
    assert assert_paid_once(top_up).issued_at == late

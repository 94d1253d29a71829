"""Two worker clusters on one database: nothing is done twice (B57, B59, R3)."""

import json
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
import stripe
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ
from django_q.tasks import async_task

from billing.keep_event import keep_event
from billing.models import StripeInbox, TopUp, TopUpState
from billing.reconciling.reconcile import work_waiting_events
from credits.models import Lot, LotKind, Wallet
from credits.money import to_micros
from credits.prove import prove
from tests.billing.buying import Buyer
from tests.billing.test_top_up_attribution import foreign_payment
from tests.clusters import kill_cluster, running_cluster
from tests.hammer.databases import url_of

PAYMENTS, FEWER = 20, 10
PATIENCE_SECONDS = 40

pytestmark = [
    pytest.mark.slow,
    pytest.mark.postgresql,
    pytest.mark.django_db(transaction=True),
]


def pay_often(buyer: Buyer, times: int = PAYMENTS) -> None:
    """One order after the other, each paid at once."""
    for _ in range(times):
        foreign_payment(buyer, buyer.start("100"))


def deliver(events: list[stripe.Event]) -> None:
    """As the webhook does; the job of each event is asked for a second time."""
    for event in events:
        keep_event(json.loads(str(event)), at=timezone.now())
        row = StripeInbox.objects.get(event_id=event.id)
        async_task("billing.jobs.work_inbox", row.pk)


def listed() -> list[stripe.Event]:
    kind = "payment_intent.succeeded"
    return list(stripe.Event.list(type=kind, limit=100).data)


def wait_until(happened: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < until, "The clusters did not get there."
        time.sleep(0.05)


def assert_each_credited_once(buyer: Buyer, times: int = PAYMENTS) -> None:
    paid = TopUp.objects.filter(state=TopUpState.PAID)
    lots = Lot.objects.filter(kind=LotKind.PURCHASE)
    assert paid.count() == lots.count() == times
    assert set(lots.values_list("sale_id", flat=True)) == set(
        paid.values_list("pk", flat=True)
    )
    credit = Wallet.objects.get(pk=buyer.organisation.pk).credit
    assert credit == to_micros("100") * times
    assert prove(at=timezone.now()).breaches == []


def test_b59_two_clusters_at_once_credit_each_payment_once(buyer: Buyer) -> None:
    pay_often(buyer)
    events = listed()
    assert len(events) == PAYMENTS
    with (
        running_cluster(url_of(), buyer.sandbox.url),
        running_cluster(url_of(), buyer.sandbox.url),
    ):
        deliver(events)
        wait_until(lambda: not OrmQ.objects.filter(key="tollgate").exists())
    assert not StripeInbox.objects.filter(worked_at=None).exists()
    assert_each_credited_once(buyer)
    connection.close()


def test_r3_cluster_killed_in_the_middle_loses_and_doubles_nothing(
    buyer: Buyer,
) -> None:
    pay_often(buyer, FEWER)
    deliver(listed())
    with running_cluster(url_of(), buyer.sandbox.url) as cluster:
        wait_until(lambda: Lot.objects.count() >= 2)
        kill_cluster(cluster)
        cluster.returncode = 0
    credited = Lot.objects.count()
    assert credited < FEWER
    # What the dead cluster held is worked by the sweep, and its jobs come back later.
    later = timezone.now() + timedelta(minutes=10)
    work_waiting_events(later, limit=FEWER)
    assert_each_credited_once(buyer, FEWER)
    for row in StripeInbox.objects.all():
        row.worked_at = None
        row.save()
    work_waiting_events(later + timedelta(minutes=10), limit=FEWER)
    assert_each_credited_once(buyer, FEWER)
    connection.close()

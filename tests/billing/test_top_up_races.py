"""Two requests at the same moment: row locks decide, on PostgreSQL."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe
from django.db import connections
from django.utils import timezone

from accounts.models import (
    Notice,
    NoticeKind,
)
from billing.models import TopUp
from billing.refusals import (
    StillRunning,
)
from billing.top_up import finish_top_up
from tests.billing.buying import Buyer, assert_paid_once


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_b2_two_simultaneous_finishes_issue_one_lot(buyer: Buyer) -> None:
    top_up = buyer.start()
    buyer.pay(top_up)
    payment = buyer.payment_of(top_up)
    at_once(
        [lambda: finish_top_up(top_up.pk, at=timezone.now(), payment_id=payment)] * 6
    )
    assert_paid_once(top_up)
    assert Notice.objects.filter(kind=NoticeKind.RECEIPT).count() == 2


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_b1_two_simultaneous_starts_make_one_sale(buyer: Buyer) -> None:
    buyer.start("50")  # the customer exists at Stripe from now on
    refused: list[Exception] = []

    def start() -> None:
        try:
            buyer.start("100", key="form:1")
        except StillRunning as running:
            refused.append(running)

    at_once([start] * 6)
    assert TopUp.objects.filter(client_key="form:1").count() == 1
    assert len(stripe.checkout.Session.list(limit=10).data) == 2
    assert len(refused) < 6


def at_once(jobs: Sequence[Callable[[], object]]) -> None:
    """Runs the jobs in threads that set off together; raises what any of them did."""
    barrier = threading.Barrier(len(jobs))

    def run(job: Callable[[], object]) -> None:
        barrier.wait()
        try:
            job()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(jobs)) as pool:
        for done in [pool.submit(run, job) for job in jobs]:
            done.result()

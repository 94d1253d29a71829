"""Two requests at the same moment: row locks decide, on PostgreSQL."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import pytest
import stripe
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from accounts.models import Notice, NoticeKind, Organisation
from accounts.refusals import fence_code
from billing.models import TopUp
from billing.refusals import StillRunning
from billing.top_up import finish_top_up
from tests import makers
from tests.billing.buying import Buyer, assert_paid_once

Result = TypeVar("Result")


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
    assert Notice.objects.filter(kind=NoticeKind.RECEIPT).count() == 1


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

    def run(job: Callable[[], object]) -> object:
        barrier.wait()
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        for done in [pool.submit(closing(partial(run, job))) for job in jobs]:
            done.result()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_sale_during_an_uncommitted_move_waits_and_is_refused(
    formosa: Organisation,
) -> None:
    moved, may_commit = threading.Event(), threading.Event()

    def move() -> None:
        with transaction.atomic():
            Organisation.objects.filter(pk=formosa.pk).update(billing_mode="NCE")
            moved.set()
            assert may_commit.wait(10)

    def sell() -> str:
        assert moved.wait(10)
        try:
            makers.make_top_up(formosa)  # read as prepaid: the copy would lie
        except IntegrityError as error:
            return fence_code(error)
        return "sold"

    with ThreadPoolExecutor(2) as pool:
        moving, selling = pool.submit(closing(move)), pool.submit(closing(sell))
        with pytest.raises(TimeoutError):
            selling.result(timeout=0.5)  # it waits for the move
        may_commit.set()
        moving.result()
        assert selling.result() == "credits_not_for_sale"
    assert not TopUp.objects.exists()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_move_waits_for_a_sale_that_has_not_committed(formosa: Organisation) -> None:
    sold, may_commit = threading.Event(), threading.Event()

    def sell() -> None:
        with transaction.atomic():
            makers.make_top_up(formosa)
            sold.set()
            assert may_commit.wait(10)

    def move() -> None:
        assert sold.wait(10)
        Organisation.objects.filter(pk=formosa.pk).update(billing_mode="NCE")

    with ThreadPoolExecutor(2) as pool:
        selling, moving = pool.submit(closing(sell)), pool.submit(closing(move))
        with pytest.raises(TimeoutError):
            moving.result(timeout=0.5)
        may_commit.set()
        selling.result()
        moving.result()
    assert TopUp.objects.count() == 1


def closing(job: Callable[[], Result]) -> Callable[[], Result]:
    """The job, and the thread's connection closed after it."""

    def run() -> Result:
        try:
            return job()
        finally:
            connections.close_all()

    return run

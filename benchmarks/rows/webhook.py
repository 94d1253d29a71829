"""Row webhook: from an event's row in the inbox to credit that can be spent.

The sandbox Stripe and a real worker cluster, as an installation runs them. Payments are
made beforehand; their events come in one at a time, each kept by the verb that the
webhook calls. The clock runs from the commit of the inbox row until another connection
sees the lot. The target is absolute: 95 of 100 within a second.
"""

import tempfile
import time
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import stripe
from django.db import connection
from djmoney.money import Money

from accounts.models import Organisation
from benchmarks.clean import NotClean, check_clean
from benchmarks.engines import Engine
from benchmarks.score import Sample, Score
from billing.gateway import ORGANISATION, TOP_UP
from billing.keep_event import keep_event
from billing.models import TopUp, TopUpTerms
from billing.top_up import start_top_up
from credits.models import Lot
from credits.money import to_micros
from tests.clusters import running_cluster
from tests.stripe_sandbox import TEST_KEY, running_stripe

ROUNDS = 1
PAYMENTS, WARM_UP = 60, 5
EVERY = 0.25  # seconds between two events: four payments a second
SECONDS_AT_MOST = 1.0
PATIENCE = 60.0
LOOK = 0.002
SCORES = [
    Score("webhook", "payments credited, p95", "1 s each", "/min", 1),
]


def scores(engine: str) -> list[Score]:
    return SCORES


def play(engine: Engine, calls: int) -> dict[str, Sample]:
    with tempfile.TemporaryDirectory() as folder, running_stripe(Path(folder)) as said:
        stripe.api_base, stripe.api_key = said.url, TEST_KEY
        events = pay(PAYMENTS + WARM_UP)
        connection.close()
        with running_cluster(engine.url, said.url):
            taken = [deliver(event) for event in events]
    check_clean(datetime.now(UTC))
    slow = sorted(taken[WARM_UP:])
    p95 = slow[int(len(slow) * 0.95)]
    return {"webhook": Sample(60 / p95, 60 / SECONDS_AT_MOST)}


def pay(times: int) -> list[dict[str, Any]]:
    """Orders of as many organisations, each paid; the events of the payments."""
    most = Money(100_000_000, "USD")
    TopUpTerms.objects.create(
        currency="USD", minimum=Money(50, "USD"), maximum=most, maximum_balance=most
    )
    keys = count(1)
    for organisation in Organisation.objects.order_by("pk")[:times]:
        top_up = start_top_up(
            organisation,
            to_micros("100"),
            client_key=f"bench:{next(keys)}",
            actor=None,
            language="en",
            at=datetime.now(UTC),
        )
        charge(top_up)
    listed = stripe.Event.list(type="payment_intent.succeeded", limit=100)
    return [event.to_dict() for event in listed.data]


def charge(top_up: TopUp) -> None:
    names = {TOP_UP: str(top_up.pk), ORGANISATION: str(top_up.organisation_id)}
    stripe.PaymentIntent.create(
        amount=10_000,
        currency="usd",
        customer=top_up.stripe_customer_id,
        payment_method="pm_card_visa",
        payment_method_types=["card"],
        confirm=True,
        metadata=names,
    )


def deliver(event: dict[str, Any]) -> float:
    """Seconds from the inbox row to the lot; the next event comes at its time."""
    sale = int(event["data"]["object"]["metadata"][TOP_UP])
    keep_event(event, at=datetime.now(UTC))
    began = time.perf_counter()
    while not Lot.objects.filter(sale_id=sale, kind="purchase").exists():
        if time.perf_counter() - began > PATIENCE:
            raise NotClean(f"top-up {sale} was not credited within {PATIENCE} s")
        time.sleep(LOOK)
    taken = time.perf_counter() - began
    time.sleep(max(0.0, EVERY - taken))
    return taken

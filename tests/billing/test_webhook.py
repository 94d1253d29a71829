"""Stripe's events over HTTP: signed, kept once, worked by a job (B57)."""

import hashlib
import hmac
import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ
from django_q.signing import SignedPackage
from djstripe.models import Event, WebhookEndpoint, WebhookEventTrigger

from billing.bootstrap_webhook import bootstrap_webhook
from billing.jobs import work_inbox
from billing.keep_event import EVENTS
from billing.models import StripeInbox
from billing.reconciling.reconcile import reconcile_top_ups
from tests.billing.buying import Buyer, assert_nothing_issued, assert_paid_once
from tests.stripe_sandbox import StripeSandbox

SECRET = "whsec_of_the_test"


@pytest.fixture
def endpoint(db: None) -> WebhookEndpoint:
    return WebhookEndpoint.objects.create(
        id="we_test",
        url="http://testserver/stripe/webhook/",
        secret=SECRET,
        livemode=False,
        enabled_events=list(EVENTS),
        status="enabled",
    )


def an_event(event_id: str = "evt_1", kind: str = "payment_intent.succeeded") -> str:
    event = {
        "id": event_id,
        "object": "event",
        "type": kind,
        "livemode": False,
        "api_version": "2026-08-26.dahlia",
        "data": {"object": {"id": "pi_1", "object": "payment_intent"}},
    }
    return json.dumps(event)


def signature(body: str, *, secret: str = SECRET, at: float | None = None) -> str:
    moment = int(time.time() if at is None else at)
    signed = hmac.new(secret.encode(), f"{moment}.{body}".encode(), hashlib.sha256)
    return f"t={moment},v1={signed.hexdigest()}"


def send(endpoint: WebhookEndpoint, body: str, signed: str | None) -> Any:
    headers = {"Stripe-Signature": signed} if signed is not None else {}
    return Client().post(
        f"/stripe/webhook/{endpoint.djstripe_uuid}/",
        body,
        content_type="application/json",
        headers=headers,
    )


def queued() -> list[tuple[str, tuple[Any, ...]]]:
    jobs = [SignedPackage.loads(row.payload) for row in OrmQ.objects.order_by("id")]
    return [(job["func"], job["args"]) for job in jobs]


# --- the door -------------------------------------------------------------------------


def test_signed_event_is_kept_and_a_job_is_queued(endpoint: WebhookEndpoint) -> None:
    body = an_event()
    assert send(endpoint, body, signature(body)).status_code == 200
    row = StripeInbox.objects.get()
    assert (row.event_id, row.type) == ("evt_1", "payment_intent.succeeded")
    assert row.payload == json.loads(body)
    assert row.worked_at is None
    assert queued() == [("billing.jobs.work_inbox", (row.pk,))]


def test_b57_nothing_but_the_inbox_is_written(endpoint: WebhookEndpoint) -> None:
    """dj-stripe's own processing never runs, and nobody calls Stripe."""
    body = an_event()
    send(endpoint, body, signature(body))
    trigger = WebhookEventTrigger.objects.get()
    assert (trigger.valid, trigger.processed, trigger.exception) == (True, False, "")
    assert not Event.objects.exists()
    assert_nothing_issued()


def test_event_sent_ten_times_is_kept_and_queued_once(
    endpoint: WebhookEndpoint,
) -> None:
    body = an_event()
    for _ in range(10):
        assert send(endpoint, body, signature(body)).status_code == 200
    assert StripeInbox.objects.count() == 1
    assert len(queued()) == 1


@pytest.mark.parametrize(
    "signed",
    [
        None,
        "",
        "nonsense",
        "t=1,v1=00",
        signature(an_event(), secret="whsec_of_somebody_else"),
        signature("another body"),
        signature(an_event(), at=time.time() - 3600),  # replayed an hour later
    ],
    # Signatures hold the time, and every worker must see the same names.
    ids=["none", "empty", "nonsense", "short", "stranger", "other body", "late"],
)
def test_event_without_a_right_signature_is_refused(
    endpoint: WebhookEndpoint, signed: str | None
) -> None:
    assert send(endpoint, an_event(), signed).status_code == 400
    assert not StripeInbox.objects.exists()
    assert queued() == []


def test_r5_body_of_a_megabyte_is_refused_and_not_kept(
    endpoint: WebhookEndpoint,
) -> None:
    """Even a signed one: a stranger's would be kept before its signature is read."""
    event = json.loads(an_event())
    event["data"]["object"]["description"] = "x" * 1024 * 1024
    body = json.dumps(event)
    for signed in (signature(body), "t=1,v1=00"):
        assert send(endpoint, body, signed).status_code == 413
    assert not StripeInbox.objects.exists()
    assert not WebhookEventTrigger.objects.exists()
    event["data"]["object"]["description"] = "x" * 100_000
    body = json.dumps(event)
    assert send(endpoint, body, signature(body)).status_code == 200


def test_r5_event_seven_days_late_is_kept_if_it_is_signed_anew(
    endpoint: WebhookEndpoint,
) -> None:
    """Stripe signs each delivery; only what was recorded and replayed is refused."""
    event = json.loads(an_event())
    event["created"] = int(time.time()) - 7 * 86_400
    body = json.dumps(event)
    replayed = signature(body, at=time.time() - 7 * 86_400)
    assert send(endpoint, body, replayed).status_code == 400
    assert not StripeInbox.objects.exists()
    assert send(endpoint, body, signature(body)).status_code == 200
    assert StripeInbox.objects.count() == 1


def test_event_for_an_unknown_endpoint_is_not_found(endpoint: WebhookEndpoint) -> None:
    endpoint.djstripe_uuid = "00000000-0000-0000-0000-000000000000"
    body = an_event()
    assert send(endpoint, body, signature(body)).status_code == 404


def test_error_in_the_callback_is_raised_so_that_stripe_sends_again(
    endpoint: WebhookEndpoint,
) -> None:
    body = json.dumps({"id": "evt_1", "livemode": False})  # no type
    with pytest.raises(KeyError):
        send(endpoint, body, signature(body))
    assert WebhookEventTrigger.objects.get().exception
    assert not StripeInbox.objects.exists()


# --- from the sandbox, all the way ----------------------------------------------------


@pytest.fixture
def served(buyer: Buyer, live_server: Any) -> Buyer:
    """Our site on a port, and Stripe knows its address."""
    bootstrap_webhook(live_server.url)
    return buyer


def work_all() -> None:
    for inbox_id in StripeInbox.objects.filter(worked_at=None).values_list("pk"):
        work_inbox(*inbox_id)


def test_payment_becomes_credit_through_the_webhook(served: Buyer) -> None:
    top_up = served.start()
    served.pay(top_up)
    served.sandbox.wait_for_deliveries()
    types = set(StripeInbox.objects.values_list("type", flat=True))
    assert types == {"checkout.session.completed", "payment_intent.succeeded"}
    work_all()
    assert_paid_once(top_up)


def test_duplicated_and_disordered_deliveries_make_one_lot(served: Buyer) -> None:
    served.sandbox.fail("duplicate", "payment_intent.succeeded")
    served.sandbox.fail("out_of_order", "payment_intent.succeeded")
    served.sandbox.fail("bad_signature", "checkout.session.completed")
    top_up = served.start()
    served.pay(top_up)
    served.sandbox.wait_for_deliveries()
    assert StripeInbox.objects.count() == 2
    work_all()
    work_all()
    assert_paid_once(top_up)


def test_dropped_deliveries_are_made_good_by_reconciliation(served: Buyer) -> None:
    served.sandbox.fail("drop", "payment_intent.succeeded")
    served.sandbox.fail("drop", "checkout.session.completed")
    top_up = served.start()
    served.pay(top_up)
    served.sandbox.wait_for_deliveries()
    assert not StripeInbox.objects.exists()
    reconcile_top_ups(timezone.now() + timedelta(minutes=15))
    assert_paid_once(top_up)


# --- bootstrap ------------------------------------------------------------------------


def test_bootstrap_keeps_the_secret_and_is_done_once(
    stripe_sandbox: StripeSandbox, db: None
) -> None:
    first = bootstrap_webhook("http://127.0.0.1:8000")
    assert first.url == f"http://127.0.0.1:8000/stripe/webhook/{first.djstripe_uuid}/"
    assert first.secret.startswith("whsec_")
    assert bootstrap_webhook("http://127.0.0.1:8000/").pk == first.pk
    stripe_sandbox.empty()
    second = bootstrap_webhook("http://127.0.0.1:8000")
    assert second.pk != first.pk
    assert WebhookEndpoint.objects.get() == second


@pytest.mark.django_db
def test_system_checks_do_not_call_the_callback_deprecated() -> None:
    assert [message.msg for message in run_checks() if "CALLBACK" in message.msg] == []

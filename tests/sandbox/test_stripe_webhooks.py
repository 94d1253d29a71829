"""Events are signed, sent to who asked for them, and again until they are taken."""

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import stripe

from sandbox.stripe.deliver import pause_after
from tests.sandbox.clicks import card, open_session, visit
from tests.sandbox.receiver import Receiver
from tests.stripe_sandbox import StripeSandbox, running_stripe

pytestmark = pytest.mark.usefixtures("stripe_sandbox")


def states(sandbox: StripeSandbox) -> list[tuple[str, int]]:
    found = sandbox.wait_for_deliveries()
    return [(one["state"], len(one["tries"])) for one in found]


def test_a_delivery_is_signed_and_names_its_request(
    stripe_sandbox: StripeSandbox, receiver: Receiver
) -> None:
    secret = receiver.subscribe("customer.created")
    made: Any = stripe.Customer.create(name="Formosa", idempotency_key="customer:1")
    assert states(stripe_sandbox) == [("delivered", 1)]
    ((body, signature),) = receiver.taken
    event = stripe.Webhook.construct_event(body, signature, secret)
    assert (event.type, event.api_version) == ("customer.created", "2026-08-26.dahlia")
    assert json.loads(body)["data"]["object"]["id"] == made.id
    assert json.loads(body)["request"] == {
        "id": made.last_response.request_id,
        "idempotency_key": "customer:1",
    }
    assert event.pending_webhooks == 1
    assert stripe.Event.retrieve(event.id).pending_webhooks == 0


def test_the_secret_is_told_once(receiver: Receiver) -> None:
    assert receiver.subscribe().startswith("whsec_")
    (listed,) = stripe.WebhookEndpoint.list().data
    assert "secret" not in listed.to_dict()
    again = stripe.WebhookEndpoint.retrieve(listed.id)
    assert "secret" not in again.to_dict()


def test_only_what_was_asked_for_is_sent(
    stripe_sandbox: StripeSandbox, receiver: Receiver
) -> None:
    secret = receiver.subscribe("checkout.session.completed", "charge.failed")
    session = open_session(customer=stripe.Customer.create().id)
    visit(str(session.url), card("4000 0000 0000 9995"))
    visit(str(session.url), card())
    stripe_sandbox.wait_for_deliveries()
    assert receiver.types(secret) == ["charge.failed", "checkout.session.completed"]


def test_a_disabled_or_deleted_endpoint_gets_nothing(
    stripe_sandbox: StripeSandbox, receiver: Receiver
) -> None:
    receiver.subscribe()
    (endpoint,) = stripe.WebhookEndpoint.list().data
    changed = stripe.WebhookEndpoint.modify(
        endpoint.id, disabled=True, description="off"
    )
    assert changed.status == "disabled"
    stripe.Customer.create()
    stripe.WebhookEndpoint.modify(endpoint.id, disabled=False)
    assert stripe.WebhookEndpoint.delete(endpoint.id).deleted
    stripe.Customer.create()
    assert (stripe_sandbox.deliveries(), receiver.taken) == ([], [])
    with pytest.raises(stripe.InvalidRequestError, match="No such webhook_endpoint"):
        stripe.WebhookEndpoint.retrieve(endpoint.id)


def test_what_was_not_taken_is_sent_again_and_signed_afresh(
    stripe_sandbox: StripeSandbox, receiver: Receiver
) -> None:
    secret = receiver.subscribe("customer.created")
    receiver.answers = [500]
    stripe.Customer.create()
    assert states(stripe_sandbox) == [("delivered", 2)]
    assert receiver.types(secret) == ["customer.created"] * 2
    (first, one), (second, other) = receiver.taken
    assert first == second
    assert one != other
    (delivery,) = stripe_sandbox.deliveries()
    assert [attempt["status"] for attempt in delivery["tries"]] == [500, 200]
    pause = delivery["tries"][1]["at"] - delivery["tries"][0]["at"]
    assert 0.9 < pause < 2


def test_pauses_double_up_to_a_minute() -> None:
    assert [pause_after(tries) for tries in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_deliveries_survive_a_restart_and_a_late_endpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Receiver() as reserved:
        port = reserved.server_address[1]
        reserved.server_close()
        with running_stripe(tmp_path) as first:
            monkeypatch.setattr(stripe, "api_base", first.url)
            secret = reserved.subscribe()
            stripe.Customer.create(name="while nobody listened")
            until = time.monotonic() + 5
            while not first.deliveries()[0]["tries"] and time.monotonic() < until:
                time.sleep(0.02)
            assert (
                "ConnectionRefusedError" in first.deliveries()[0]["tries"][0]["error"]
            )
    with Receiver(port) as late, running_stripe(tmp_path) as second:
        threading.Thread(target=late.serve_forever, args=[0.02], daemon=True).start()
        second.wait_for_deliveries()
        assert late.types(secret) == ["customer.created"]
        late.shutdown()


def test_nothing_leaves_this_machine(stripe_sandbox: StripeSandbox) -> None:
    stripe.WebhookEndpoint.create(url="https://shop.example/hook", enabled_events=["*"])
    stripe.Customer.create()
    (delivery,) = stripe_sandbox.wait_for_deliveries()
    assert delivery["state"] == "given_up"
    assert delivery["tries"][0]["error"] == "The sandbox delivers to this machine only."


# --- asked to go wrong ----------------------------------------------------------------


def test_a_duplicate_comes_twice(
    stripe_sandbox: StripeSandbox, receiver: Receiver
) -> None:
    secret = receiver.subscribe()
    stripe_sandbox.fail("duplicate", "customer.created")
    stripe.Customer.create()
    stripe.Customer.create()
    stripe_sandbox.wait_for_deliveries()
    ids = [json.loads(body)["id"] for body, _ in receiver.taken]
    assert receiver.types(secret) == ["customer.created"] * 3
    assert len(set(ids)) == 2


def test_out_of_order_is_taken_after_its_successor(
    stripe_sandbox: StripeSandbox, receiver: Receiver
) -> None:
    secret = receiver.subscribe(
        "payment_intent.succeeded", "checkout.session.completed"
    )
    stripe_sandbox.fail("out_of_order", "payment_intent.succeeded")
    session = open_session(customer=stripe.Customer.create().id)
    visit(str(session.url), card())
    stripe_sandbox.wait_for_deliveries()
    assert receiver.types(secret) == [
        "checkout.session.completed",
        "payment_intent.succeeded",
    ]


def test_a_dropped_delivery_never_comes(
    stripe_sandbox: StripeSandbox, receiver: Receiver
) -> None:
    secret = receiver.subscribe()
    stripe_sandbox.fail("drop", r"customer\.")
    stripe.Customer.create()
    stripe.Customer.create()
    assert states(stripe_sandbox) == [("dropped", 0), ("delivered", 1)]
    assert receiver.types(secret) == ["customer.created"]


def test_a_bad_signature_does_not_verify(
    stripe_sandbox: StripeSandbox, receiver: Receiver
) -> None:
    secret = receiver.subscribe()
    stripe_sandbox.fail("bad_signature")
    receiver.answers = [400]
    stripe.Customer.create()
    assert states(stripe_sandbox) == [("delivered", 2)]
    (body, bad), (_, good) = receiver.taken
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, bad, secret)
    stripe.Webhook.construct_event(body, good, secret)


def test_a_delay_lets_others_pass(
    stripe_sandbox: StripeSandbox, receiver: Receiver
) -> None:
    receiver.subscribe()
    stripe_sandbox.fail("delay", seconds=0.5)
    late = stripe.Customer.create().id
    early = stripe.Customer.create().id
    stripe_sandbox.wait_for_deliveries()
    taken = [json.loads(body)["data"]["object"]["id"] for body, _ in receiver.taken]
    assert taken == [early, late]


@pytest.mark.parametrize(
    "wanted",
    [
        {"enabled_events": ["*"], "url": "nowhere"},
        {"enabled_events": [], "url": "http://127.0.0.1:8000/"},
        {"enabled_events": ["no spaces"], "url": "http://127.0.0.1:8000/"},
        {"enabled_events": ["*"], "url": "http://127.0.0.1:8000/", "api_version": "x"},
    ],
)
def test_an_endpoint_that_makes_no_sense_is_refused(wanted: dict[str, object]) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        stripe.WebhookEndpoint.create(**wanted)  # type: ignore[arg-type]


def test_events_are_listed_by_type() -> None:
    owner = stripe.Customer.create().id
    stripe.Customer.modify(owner, name="x")
    listed = stripe.Event.list(type="customer.updated").data
    assert [event.type for event in listed] == ["customer.updated"]
    both = stripe.Event.list(types=["customer.updated", "customer.created"]).data
    assert len(both) == 2

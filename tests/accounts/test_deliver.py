"""Webhooks: posted once each, signed, tried again, given up and resent (rule 11)."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler

import pytest
from django.db import close_old_connections, connection, transaction
from django.test import override_settings
from django_q.models import OrmQ
from pytest_django.fixtures import Settings

from accounts import post_webhook
from accounts.deliver import BACK_OFF, TRIES, deliver_due_webhooks
from accounts.emit_event import emit_event
from accounts.models import (
    Notice,
    NoticeKind,
    Organisation,
    User,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
    WhyOff,
)
from accounts.notify import owe_notice
from accounts.sign_webhook import signature
from accounts.webhook_endpoint import (
    create_endpoint,
    delete_endpoint,
    pause_endpoint,
    resend,
    resume_endpoint,
    rotate_secret,
    send_test_event,
)
from tests.accounts.hook_receiver import HookReceiver, Taken, receiving
from tests.accounts.mail_facts import FACTS
from tests.makers import START


@pytest.fixture
def hook(settings: Settings) -> Iterator[HookReceiver]:
    settings.WEBHOOKS_TO_LOOPBACK = True
    with receiving() as server:
        yield server


@pytest.fixture
def endpoint(
    formosa: Organisation, alice: User, hook: HookReceiver
) -> tuple[WebhookEndpoint, str]:
    return create_endpoint(formosa, hook.url, [], actor=alice, at=START)


def happen(
    organisation: Organisation, number: int = 1, at: datetime = START
) -> WebhookEvent | None:
    return emit_event(
        organisation,
        "topup.succeeded",
        {"receipt": f"R-{number}"},
        reference=f"top-up:{number}",
        at=at,
    )


def assert_signed(taken: Taken, *secrets: str) -> None:
    """By each of these secrets and no other."""
    name, stamp = taken.headers["webhook-id"], taken.headers["webhook-timestamp"]
    expected = {signature(name, stamp, taken.body, secret) for secret in secrets}
    assert set(taken.headers["webhook-signature"].split(" ")) == expected


Endpoint = tuple[WebhookEndpoint, str]


def test_an_event_arrives_signed_and_in_the_shape_of_the_standard(
    formosa: Organisation, endpoint: Endpoint, hook: HookReceiver
) -> None:
    event = happen(formosa)
    assert event is not None
    assert deliver_due_webhooks(START + timedelta(seconds=2)) == 1
    (taken,) = hook.taken
    assert taken.path == "/hook?from=tollgate"
    assert taken.headers["content-type"] == "application/json"
    assert taken.headers["webhook-id"] == event.public_id
    assert int(taken.headers["webhook-timestamp"]) == int(START.timestamp()) + 2
    assert_signed(taken, endpoint[1])
    assert json.loads(taken.body) == {
        "type": "topup.succeeded",
        "timestamp": START.isoformat().replace("+00:00", "Z"),
        "data": {"receipt": "R-1"},
    }
    delivery = WebhookDelivery.objects.get()
    assert (delivery.status, delivery.tries, delivery.error) == (200, 1, "")
    assert deliver_due_webhooks(START + timedelta(days=9)) == 0


def test_a_notice_is_an_event_as_well_with_exact_amounts(
    formosa: Organisation, endpoint: Endpoint
) -> None:
    kind = NoticeKind.RECHARGE_DECLINED
    for _again in range(2):
        owe_notice(
            kind,
            organisation=formosa,
            episode="recharge:1",
            context={name: FACTS[name] for name in kind.facts},
            at=START,
        )
    event = WebhookEvent.objects.get()
    assert event.type == "auto_recharge.failed"
    assert event.data == {
        "amount": {"amount": "2000.000000", "currency": "USD"},
        "brand": "Visa",
        "last_four": "4242",
        "reason": "insufficient_funds",
        "declined_at": FACTS["declined_at"],
        "next_try_at": FACTS["next_try_at"],
        "url": "http://testserver/top-ups/1/",
    }
    assert WebhookDelivery.objects.count() == 1


def test_an_undone_deed_tells_nobody(formosa: Organisation, endpoint: Endpoint) -> None:
    with transaction.atomic():
        happen(formosa)
        transaction.set_rollback(True)
    assert not WebhookEvent.objects.exists()
    assert not OrmQ.objects.exists()


def test_an_endpoint_gets_the_types_it_chose_and_only_its_own_organisation(
    formosa: Organisation, contoso: Organisation, alice: User, hook: HookReceiver
) -> None:
    create_endpoint(formosa, hook.url, ["topup.refunded"], actor=alice, at=START)
    assert happen(formosa) is None
    wanted, _secret = create_endpoint(
        formosa, hook.url, ["topup.succeeded"], actor=alice, at=START
    )
    assert happen(contoso) is None
    assert happen(formosa, 2) is not None
    assert WebhookDelivery.objects.get().endpoint == wanted


def test_a_failure_is_tried_again_later_and_later_and_given_up(
    formosa: Organisation, endpoint: Endpoint, hook: HookReceiver
) -> None:
    hook.behaviour.answers = [500] * TRIES
    happen(formosa)
    at, waits = START, []
    for _try in range(TRIES):
        assert deliver_due_webhooks(at) == 0
        delivery = WebhookDelivery.objects.get()
        assert (delivery.status, delivery.delivered_at) == (500, None)
        if delivery.next_try_at is not None:
            waits.append(delivery.next_try_at - at)
            assert (
                deliver_due_webhooks(delivery.next_try_at - timedelta(seconds=1)) == 0
            )
            at = delivery.next_try_at
    assert len(hook.taken) == delivery.tries == TRIES == 10
    for wait, planned in zip(waits, BACK_OFF, strict=True):
        assert planned <= wait <= planned * 1.1
    assert deliver_due_webhooks(at + timedelta(days=99)) == 0
    assert {taken.headers["webhook-id"] for taken in hook.taken} == {
        delivery.event.public_id
    }


def test_a_success_after_failures_ends_them(
    formosa: Organisation, endpoint: Endpoint, hook: HookReceiver
) -> None:
    hook.behaviour.answers = [503]
    happen(formosa)
    deliver_due_webhooks(START)
    assert WebhookEndpoint.objects.get().failing_since == START
    assert deliver_due_webhooks(START + timedelta(minutes=1)) == 1
    assert WebhookEndpoint.objects.get().failing_since is None


def test_five_days_of_failing_switch_an_endpoint_off_and_tell_its_owner(
    formosa: Organisation, endpoint: Endpoint, hook: HookReceiver
) -> None:
    hook.behaviour.answers = [500] * 50
    for day in range(6):
        happen(formosa, day, START + timedelta(days=day))
        deliver_due_webhooks(START + timedelta(days=day))
    found = WebhookEndpoint.objects.get()
    assert found.disabled_at == START + timedelta(days=5)
    assert found.disabled_code == WhyOff.FAILING
    told = Notice.objects.filter(kind=NoticeKind.WEBHOOK_DISABLED)
    assert [notice.recipient for notice in told] == ["alice@formosa.example"]
    seen = len(hook.taken)
    assert happen(formosa, 99) is None
    deliver_due_webhooks(START + timedelta(days=30))
    assert len(hook.taken) == seen


def test_an_endpoint_that_says_it_is_gone_is_switched_off_at_once(
    formosa: Organisation, endpoint: Endpoint, hook: HookReceiver
) -> None:
    hook.behaviour.answers = [410]
    happen(formosa)
    deliver_due_webhooks(START)
    assert WebhookEndpoint.objects.get().disabled_code == WhyOff.GONE
    assert Notice.objects.get().context["is_gone"] == 1


def test_a_redirect_is_a_failure_and_is_not_followed(
    formosa: Organisation, endpoint: Endpoint, hook: HookReceiver
) -> None:
    def redirect(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(307)
        handler.send_header("Location", "/hook")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    hook.behaviour.instead = redirect
    happen(formosa)
    assert deliver_due_webhooks(START) == 0
    assert len(hook.taken) == 1
    assert WebhookDelivery.objects.get().status == 307


def test_a_trickle_of_an_answer_is_cut_off(
    formosa: Organisation,
    endpoint: Endpoint,
    hook: HookReceiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each byte comes in time, the whole never would."""
    over = threading.Event()

    def trickle(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not over.wait(0.02):
            handler.wfile.write(b"a")

    hook.behaviour.instead = trickle
    hook.handle_error = lambda *_args: None  # type: ignore[method-assign]
    monkeypatch.setattr(post_webhook, "SECONDS", 0.3)
    happen(formosa)
    began = time.monotonic()
    assert deliver_due_webhooks(START) == 0
    over.set()
    assert time.monotonic() - began < 3
    delivery = WebhookDelivery.objects.get()
    assert delivery.status is None
    assert delivery.error.startswith("no answer within")


def test_an_answer_is_read_to_its_limit_and_not_kept(
    formosa: Organisation, endpoint: Endpoint, hook: HookReceiver
) -> None:
    def flood(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(400)
        handler.send_header("Content-Length", str(50_000_000))
        handler.end_headers()
        handler.wfile.write(b"secret of the inside " * 1000)

    hook.behaviour.instead = flood
    happen(formosa)
    assert deliver_due_webhooks(START) == 0
    delivery = WebhookDelivery.objects.get()
    assert (delivery.status, delivery.error) == (400, "")


def test_what_cannot_be_reached_says_so(
    formosa: Organisation, endpoint: Endpoint, hook: HookReceiver
) -> None:
    WebhookEndpoint.objects.update(url="http://127.0.0.1:9/")
    happen(formosa)
    assert deliver_due_webhooks(START) == 0
    assert WebhookDelivery.objects.get().error == "Connection refused"


def test_an_address_that_turned_private_is_refused_at_the_delivery(
    formosa: Organisation, endpoint: Endpoint
) -> None:
    happen(formosa)
    with override_settings(WEBHOOKS_TO_LOOPBACK=False):
        assert deliver_due_webhooks(START) == 0
    delivery = WebhookDelivery.objects.get()
    assert (delivery.status, delivery.tries) == (None, 1)
    assert delivery.error == "Only https addresses are posted to."


def test_a_replaced_secret_signs_for_a_day_beside_the_new_one(
    formosa: Organisation, alice: User, endpoint: Endpoint, hook: HookReceiver
) -> None:
    row, old = endpoint
    new = rotate_secret(row, actor=alice, at=START)
    for number, hours in enumerate((1, 23, 24)):
        happen(formosa, number)
        deliver_due_webhooks(START + timedelta(hours=hours))
    both, still_both, one = hook.taken
    assert_signed(both, new, old)
    assert_signed(still_both, new, old)
    assert_signed(one, new)


def test_a_secret_that_cannot_be_opened_stops_nobody_else(
    formosa: Organisation, alice: User, endpoint: Endpoint, hook: HookReceiver
) -> None:
    create_endpoint(formosa, hook.url, [], actor=alice, at=START)
    WebhookEndpoint.objects.filter(pk=endpoint[0].pk).update(secret="lost")
    happen(formosa)
    assert deliver_due_webhooks(START) == 1
    broken = WebhookDelivery.objects.get(endpoint=endpoint[0])
    assert broken.error == "the secret cannot be opened; rotate it"


def test_a_paused_endpoint_gets_nothing_until_it_is_resumed(
    formosa: Organisation, alice: User, endpoint: Endpoint, hook: HookReceiver
) -> None:
    row, _secret = endpoint
    happen(formosa, 1)
    assert pause_endpoint(row, actor=alice, at=START)
    assert not pause_endpoint(row, actor=alice, at=START)
    assert deliver_due_webhooks(START) == 0
    assert happen(formosa, 2) is None
    assert resume_endpoint(row, actor=alice, at=START)
    assert happen(formosa, 3) is not None
    assert deliver_due_webhooks(START) == 1
    assert json.loads(hook.taken[0].body)["data"] == {"receipt": "R-3"}


def test_what_was_not_delivered_is_resent_under_the_same_id(
    formosa: Organisation, alice: User, endpoint: Endpoint, hook: HookReceiver
) -> None:
    happen(formosa)
    deliver_due_webhooks(START)
    delivery = WebhookDelivery.objects.get()
    assert resend(delivery, at=START)
    assert not resend(delivery, at=START)
    assert deliver_due_webhooks(START) == 1
    first, second = hook.taken
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


def test_a_deleted_endpoint_gets_nothing(
    formosa: Organisation, alice: User, endpoint: Endpoint, hook: HookReceiver
) -> None:
    happen(formosa)
    assert delete_endpoint(endpoint[0], actor=alice, at=START)
    assert deliver_due_webhooks(START) == 0
    assert hook.taken == []


def test_a_test_event_goes_to_its_endpoint_alone(
    formosa: Organisation, alice: User, endpoint: Endpoint, hook: HookReceiver
) -> None:
    other, _secret = create_endpoint(formosa, hook.url, [], actor=alice, at=START)
    delivery = send_test_event(other, at=START)
    assert delivery.endpoint == other
    assert deliver_due_webhooks(START) == 1
    assert json.loads(hook.taken[0].body)["type"] == "webhook.test"


def test_a_sender_that_died_is_followed_by_another(
    formosa: Organisation, endpoint: Endpoint
) -> None:
    happen(formosa)
    # What a claim leaves behind when nothing comes after it.
    WebhookDelivery.objects.update(tries=1, next_try_at=START + timedelta(minutes=2))
    assert deliver_due_webhooks(START + timedelta(minutes=1)) == 0
    assert deliver_due_webhooks(START + timedelta(minutes=2)) == 1


@pytest.mark.django_db(transaction=True)
def test_two_senders_at_once_post_each_event_once(
    formosa: Organisation, endpoint: Endpoint, hook: HookReceiver
) -> None:
    for number in range(30):
        happen(formosa, number)
    together = threading.Barrier(2)
    sent: list[int] = []

    def send() -> None:
        together.wait()
        sent.append(deliver_due_webhooks(START))
        close_old_connections()
        connection.close()

    senders = [threading.Thread(target=send) for _sender in range(2)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert sum(sent) == len(hook.taken) == 30
    assert len({taken.headers["webhook-id"] for taken in hook.taken}) == 30

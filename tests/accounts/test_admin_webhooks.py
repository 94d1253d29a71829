"""Staff see endpoints and deliveries, pause with a reason, and send again."""

import pytest
from django.test import Client, override_settings

from accounts.models import (
    AuditEvent,
    Organisation,
    User,
    WebhookDelivery,
    WebhookEndpoint,
)
from accounts.webhook_endpoint import create_endpoint, send_test_event
from accounts.webhook_secret import unseal
from tests.makers import START

ENDPOINTS = "/admin/accounts/webhookendpoint/"
DELIVERIES = "/admin/accounts/webhookdelivery/"
REASON = "it floods the system of the customer"


@pytest.fixture(autouse=True)
def root(client: Client, db: None) -> object:
    with override_settings(STAFF_NEED_SECOND_FACTOR=False):
        user = User.objects.create_superuser("root@provider.example", "correct horse")
        client.force_login(user)
        yield user


@pytest.fixture
def endpoint(formosa: Organisation) -> WebhookEndpoint:
    url = "https://hooks.formosa.example/"
    return create_endpoint(formosa, url, [], actor=None, at=START)[0]


def test_a_secret_stands_on_no_staff_page(
    client: Client, endpoint: WebhookEndpoint
) -> None:
    for path in (ENDPOINTS, f"{ENDPOINTS}{endpoint.pk}/change/"):
        page = client.get(path).content.decode()
        assert endpoint.url in page
        assert endpoint.secret not in page
        assert unseal(endpoint.secret) not in page


def test_staff_pause_an_endpoint_and_say_why(
    client: Client, endpoint: WebhookEndpoint
) -> None:
    chosen = {"action": "pause", "_selected_action": [endpoint.pk]}
    client.post(ENDPOINTS, chosen)
    assert WebhookEndpoint.objects.get().is_working  # the first click asks
    client.post(ENDPOINTS, {**chosen, "reason": REASON, "confirmed": "yes"})
    assert not WebhookEndpoint.objects.get().is_working
    assert AuditEvent.objects.get(verb="pause_webhook_endpoint").reason == REASON


def test_staff_send_a_delivery_again(client: Client, endpoint: WebhookEndpoint) -> None:
    delivery = send_test_event(endpoint, at=START)
    WebhookDelivery.objects.update(next_try_at=None, tries=10)
    chosen = {"action": "send_again", "_selected_action": [delivery.pk]}
    client.post(DELIVERIES, chosen)
    delivery.refresh_from_db()
    assert (delivery.is_open, delivery.tries) == (True, 0)


@pytest.mark.parametrize("page", ["noticeepisode", "noticeoptout"])
def test_episodes_and_opt_outs_are_shown(client: Client, page: str) -> None:
    assert client.get(f"/admin/accounts/{page}/").status_code == 200

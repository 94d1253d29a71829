"""Webhook pages: developers and owners make, watch, pause and end endpoints."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import (
    AuditEvent,
    Organisation,
    Role,
    User,
    WebhookDelivery,
    WebhookEndpoint,
    WhyOff,
)
from accounts.webhook_endpoint import ENDPOINTS_AT_MOST, create_endpoint
from accounts.webhook_secret import unseal
from tests import makers
from tests.accounts.recently import signed_in_recently

URL = "https://hooks.formosa.example/tollgate"
PAGES = ["webhooks", "add_webhook"]
OF_ONE = ["webhook_endpoint", "rotate_webhook", "delete_webhook"]
DEEDS = ["test_webhook", "pause_webhook", "resume_webhook"]


@pytest.fixture
def dev(formosa: Organisation) -> User:
    user = makers.make_user("dev@formosa.example", name="Dev")
    makers.make_member(formosa, user, Role.DEVELOPER)
    return user


@pytest.fixture
def client(dev: User) -> Client:
    return signed_in_recently(dev)


@pytest.fixture
def endpoint(formosa: Organisation, dev: User) -> WebhookEndpoint:
    made, _secret = create_endpoint(formosa, URL, [], actor=dev, at=timezone.now())
    return made


def once(page: str) -> str:
    found = re.search(r'name="once" value="([^"]+)"', page)
    assert found
    return found.group(1)


def add(client: Client, **given: object) -> str:
    form = client.get(reverse("add_webhook")).text
    data = {"url": URL, "once": once(form), **given}
    return client.post(reverse("add_webhook"), data).text


def test_a_new_endpoint_shows_its_secret_once(client: Client, dev: User) -> None:
    shown = add(client, events=["topup.succeeded"])
    endpoint = WebhookEndpoint.objects.get()
    secret = unseal(endpoint.secret)
    assert secret in shown
    assert endpoint.events == ["topup.succeeded"]
    assert endpoint.created_by == dev
    for page in ("webhooks", "add_webhook"):
        assert secret not in client.get(reverse(page)).text
    detail = client.get(reverse("webhook_endpoint", args=[endpoint.pk])).text
    assert secret not in detail
    assert URL in detail
    event = AuditEvent.objects.get(verb="create_webhook_endpoint")
    assert event.actor == dev
    assert secret not in str(event.after)


def test_a_reload_makes_no_second_endpoint(client: Client) -> None:
    form = client.get(reverse("add_webhook")).text
    data = {"url": URL, "once": once(form)}
    for _click in range(2):
        client.post(reverse("add_webhook"), data)
    assert WebhookEndpoint.objects.count() == 1


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://hooks.formosa.example/", "Only https addresses are posted to."),
        ("https://10.0.0.1/", "10.0.0.1 is not a public address."),
        ("https://169.254.169.254/latest/", "is not a public address."),
        ("https://hooks.formosa.example:22/", "Only these ports are posted to: 443"),
    ],
)
def test_a_private_address_is_refused_with_one_sentence(
    client: Client, url: str, sentence: str
) -> None:
    answer = add(client, url=url)
    assert sentence in answer
    assert not WebhookEndpoint.objects.exists()


def test_an_organisation_has_only_so_many(
    client: Client, formosa: Organisation, dev: User
) -> None:
    for _number in range(ENDPOINTS_AT_MOST):
        create_endpoint(formosa, URL, [], actor=dev, at=timezone.now())
    assert "10 endpoints at most" in add(client)
    assert WebhookEndpoint.objects.count() == ENDPOINTS_AT_MOST


@pytest.mark.parametrize("role", [Role.BILLING_ADMIN, Role.VIEWER])
def test_other_roles_are_told_who_may(
    formosa: Organisation, endpoint: WebhookEndpoint, role: Role
) -> None:
    user = makers.make_user()
    makers.make_member(formosa, user, role)
    client = signed_in_recently(user)
    for name in PAGES:
        assert client.get(reverse(name)).status_code == 403
    for name in OF_ONE:
        assert client.get(reverse(name, args=[endpoint.pk])).status_code == 403
    for name in DEEDS:
        assert client.post(reverse(name, args=[endpoint.pk])).status_code == 403
    assert reverse("webhooks") not in client.get(reverse("credits")).text


def test_another_organisations_endpoint_is_not_found(
    charlie: User, contoso: Organisation, endpoint: WebhookEndpoint, dev: User
) -> None:
    signed_in_recently(dev).post(reverse("test_webhook", args=[endpoint.pk]))
    delivery = WebhookDelivery.objects.get()
    client = signed_in_recently(charlie)
    for name in OF_ONE:
        assert client.get(reverse(name, args=[endpoint.pk])).status_code == 404
    for name in DEEDS:
        assert client.post(reverse(name, args=[endpoint.pk])).status_code == 404
    resend = reverse("resend_webhook", args=[delivery.pk])
    assert client.post(resend).status_code == 404


def test_a_test_event_stands_in_the_list_and_can_be_sent_again(
    client: Client, endpoint: WebhookEndpoint
) -> None:
    page = reverse("webhook_endpoint", args=[endpoint.pk])
    client.post(reverse("test_webhook", args=[endpoint.pk]))
    assert "On its way" in client.get(page).text
    WebhookDelivery.objects.update(next_try_at=None, tries=10, status=503)
    text = client.get(page).text
    assert "Refused (503)" in text
    assert "Given up" in text
    delivery = WebhookDelivery.objects.get()
    client.post(reverse("resend_webhook", args=[delivery.pk]))
    delivery.refresh_from_db()
    assert delivery.next_try_at is not None
    assert delivery.tries == 0


def test_pausing_replacing_and_deleting_are_noted(
    client: Client, endpoint: WebhookEndpoint
) -> None:
    before = unseal(endpoint.secret)
    client.post(reverse("pause_webhook", args=[endpoint.pk]))
    assert "Paused" in client.get(reverse("webhooks")).text
    client.post(reverse("test_webhook", args=[endpoint.pk]))
    assert not WebhookDelivery.objects.exists()
    client.post(reverse("resume_webhook", args=[endpoint.pk]))
    replace = reverse("rotate_webhook", args=[endpoint.pk])
    shown = client.post(replace, {"once": once(client.get(replace).text)}).text
    endpoint.refresh_from_db()
    assert unseal(endpoint.secret) in shown
    assert unseal(endpoint.old_secret) == before
    client.post(reverse("delete_webhook", args=[endpoint.pk]))
    assert "No endpoints." in client.get(reverse("webhooks")).text
    assert set(AuditEvent.objects.values_list("verb", flat=True)) >= {
        "pause_webhook_endpoint",
        "resume_webhook_endpoint",
        "rotate_webhook_secret",
        "delete_webhook_endpoint",
    }


def test_an_endpoint_that_was_switched_off_says_why(
    client: Client, endpoint: WebhookEndpoint
) -> None:
    WebhookEndpoint.objects.update(
        disabled_at=timezone.now(), disabled_code=WhyOff.GONE
    )
    page = client.get(reverse("webhook_endpoint", args=[endpoint.pk])).text
    assert "It answered that it no longer exists (410)." in page
    client.post(reverse("resume_webhook", args=[endpoint.pk]))
    assert WebhookEndpoint.objects.get().is_working


def test_making_an_endpoint_asks_for_a_recent_sign_in(dev: User) -> None:
    old = Client()
    old.force_login(dev, backend="django.contrib.auth.backends.ModelBackend")
    answer = old.get(reverse("add_webhook"))
    assert answer.status_code == 302
    assert "reauthenticate" in answer["Location"]

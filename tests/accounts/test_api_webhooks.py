"""Webhook endpoints by API: the same rules as on the page."""

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.keys import create_key
from accounts.models import Organisation, Scope, WebhookEndpoint
from accounts.webhook_secret import unseal

URL = "https://hooks.formosa.example/tollgate"


def key_of(organisation: Organisation | None, scope: Scope) -> str:
    _key, secret = create_key(
        "test", organisation=organisation, scopes=[scope], at=timezone.now()
    )
    return secret


@pytest.fixture
def key(formosa: Organisation) -> str:
    return key_of(formosa, Scope.WEBHOOKS_MANAGE)


def ask(method: str, path: str, secret: str, body: Any = None) -> Any:
    return Client().generic(
        method,
        f"/api/v1/webhook-endpoints{path}",
        json.dumps(body) if body is not None else "",
        content_type="application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )


def test_an_endpoint_is_made_listed_and_ended(formosa: Organisation, key: str) -> None:
    made = ask("POST", "", key, {"url": URL, "events": ["topup.succeeded"]})
    assert made.status_code == 201
    endpoint = WebhookEndpoint.objects.get()
    assert made.json()["secret"] == unseal(endpoint.secret)
    [listed] = ask("GET", "", key).json()["data"]
    assert listed["id"] == f"we_{endpoint.pk}"
    assert (listed["url"], listed["state"]) == (URL, "active")
    assert "secret" not in listed
    assert ask("DELETE", f"/we_{endpoint.pk}", key).status_code == 204
    assert ask("DELETE", f"/we_{endpoint.pk}", key).status_code == 404
    assert ask("GET", "", key).json() == {"data": []}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"url": "http://hooks.formosa.example/"}, "webhook_url"),
        ({"url": "https://169.254.169.254/"}, "webhook_url"),
        ({"url": URL, "events": ["no.such_event"]}, "unknown_event_type"),
    ],
)
def test_what_the_page_refuses_the_api_refuses(
    key: str, body: dict[str, Any], code: str
) -> None:
    answer = ask("POST", "", key, body)
    assert answer.status_code == 422
    assert code in json.dumps(answer.json())
    assert not WebhookEndpoint.objects.exists()


def test_unknown_fields_are_refused(key: str) -> None:
    assert ask("POST", "", key, {"url": URL, "event": []}).status_code == 422


def test_other_scopes_and_the_provider_s_keys_may_not(formosa: Organisation) -> None:
    reader = key_of(formosa, Scope.BALANCE_READ)
    provider = key_of(None, Scope.WEBHOOKS_MANAGE)
    for secret in (reader, provider):
        assert ask("GET", "", secret).status_code == 403
        assert ask("POST", "", secret, {"url": URL}).status_code == 403


def test_another_organisation_s_endpoint_is_not_found(
    contoso: Organisation, key: str
) -> None:
    ask("POST", "", key, {"url": URL})
    theirs = WebhookEndpoint.objects.get()
    other = key_of(contoso, Scope.WEBHOOKS_MANAGE)
    assert ask("DELETE", f"/we_{theirs.pk}", other).status_code == 404
    assert ask("GET", "", other).json() == {"data": []}

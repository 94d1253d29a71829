"""Asks the API as a customer's program would: a key, a path, perhaps a body."""

import json
from typing import Any

from django.test import Client
from django.utils import timezone

from accounts.keys import create_key
from accounts.models import Organisation, Scope

Answer = Any


def key_of(organisation: Organisation | None, *scopes: Scope) -> str:
    """The secret of a new key; without an organisation it is the provider's."""
    _key, secret = create_key(
        "test", organisation=organisation, scopes=scopes, at=timezone.now()
    )
    return secret


def ask(
    method: str, path: str, secret: str = "", body: Any = None, **headers: str
) -> Answer:
    """The answer; a body that is neither text nor bytes is sent as JSON."""
    if secret:
        headers["Authorization"] = f"Bearer {secret}"
    more: dict[str, Any] = {}
    if body is not None:
        is_text = isinstance(body, str | bytes)
        more["data"] = body if is_text else json.dumps(body)
        more["content_type"] = headers.pop("Content-Type", "application/json")
    return Client().generic(method, f"/api/v1{path}", headers=headers, **more)


def get(path: str, secret: str = "", **headers: str) -> Answer:
    return ask("GET", path, secret, **headers)


def assert_problem(answer: Answer, status: int, code: str) -> dict[str, Any]:
    """The body, which is a problem of that status and code."""
    assert (answer.status_code, answer["Content-Type"]) == (
        status,
        "application/problem+json",
    ), answer.content
    body: dict[str, Any] = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"].endswith(f"/problems/{code.replace('_', '-')}")
    assert body["detail"]
    assert body["instance"].startswith("/requests/")
    return body


def pages_of(path: str, secret: str, *, limit: int) -> list[list[dict[str, Any]]]:
    """Every page of a list, by following its cursors."""
    pages, cursor = [], ""
    while True:
        mark = "&" if "?" in path else "?"
        answer = get(f"{path}{mark}limit={limit}&cursor={cursor}", secret)
        assert answer.status_code == 200, answer.content
        body = answer.json()
        pages.append(body["data"])
        cursor = body["next_cursor"]
        if cursor is None:
            return pages

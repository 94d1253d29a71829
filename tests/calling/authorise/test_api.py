"""The API that switches ask (rules 1.7, 9.1 and 9.2)."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from accounts.keys import create_key
from accounts.models import Organisation, Scope
from calling.models import Source
from credits.models import Hold
from tests.calling.authorise.asking import JAPAN_MOBILE, MEI
from tests.calling.telephony import give_credit

pytestmark = pytest.mark.usefixtures("card", "mei")
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def secret(pbx: Source) -> str:
    return give_key(pbx)


def give_key(source: Source, scope: Scope = Scope.CALLS_AUTHORIZE) -> str:
    key, secret = create_key(
        source.slug, organisation=None, scopes=[scope], at=timezone.now()
    )
    source.api_key = key
    source.save()
    return secret


def question(**changes: Any) -> dict[str, Any]:
    asked = {
        "call_id": "1-19187@192.0.2.20",
        "from": MEI,
        "to": JAPAN_MOBILE,
        "direction": "outbound",
        "account_code": "FORMOSA",
        "requested_duration_s": 3600,
    }
    return {**asked, **changes}


def post(path: str, body: Any, secret: str = "", **headers: str) -> Any:
    if secret:
        headers.setdefault("Authorization", f"Bearer {secret}")
    content_type = headers.pop("content_type", "application/json")
    data = body if isinstance(body, str | bytes) else json.dumps(body)
    return Client().post(
        f"/api/v1/calls{path}", data, content_type=content_type, headers=headers
    )


def test_a_switch_is_told_its_grant(secret: str, formosa: Organisation) -> None:
    give_credit(formosa, "50", at=timezone.now())
    answer = post("/authorize", question(), secret)
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert (body["decision"], body["max_duration_s"]) == ("allow", 1800)
    assert body["hold"] == {"amount": "3.300000", "currency": "USD"}
    assert body["authorization_id"] == f"auth_{Hold.objects.get().pk}"
    assert body["sip"] == {"code": 200}
    assert "code" not in body


def test_a_denial_is_no_http_error(secret: str) -> None:
    answer = post("/authorize", question(), secret)
    assert answer.status_code == 200
    assert answer.json() == {
        "decision": "deny",
        "code": "no_funding",
        "reason": "Not enough credit",
        "sip": {"code": 402, "q850": 21},
    }


def test_a_form_is_understood_and_lines_are_answered(
    secret: str, formosa: Organisation
) -> None:
    """Asterisk's CURL() writes no JSON and reads none."""
    give_credit(formosa, "50", at=timezone.now())
    headers = {"content_type": FORM, "Accept": "text/plain"}
    answer = post("/authorize", urlencode(question()), secret, **headers)
    assert answer["Content-Type"].startswith("text/plain")
    lines = dict(line.split("=", 1) for line in answer.content.decode().splitlines())
    assert (lines["decision"], lines["max_duration_s"]) == ("allow", "1800")
    assert lines["sip.code"] == "200"


@pytest.mark.parametrize("key", ["", "tg_test_" + "a" * 51])
def test_an_emergency_call_needs_no_key(key: str, pbx: Source) -> None:
    """9.1: decided before the key check and without the database."""
    answer = post("/authorize", question(to="119"), key)
    assert answer.status_code == 200
    assert answer.json()["decision"] == "allow"
    assert post("/authorize", question(), key).status_code == 401


def test_a_key_without_the_scope_may_not_ask(pbx: Source) -> None:
    """1.7: only a provider's key that was given the scope."""
    answer = post("/authorize", question(), give_key(pbx, Scope.CDRS_WRITE))
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"call_id": ""}, "/call_id"),
        ({"to": None}, "/to"),
        ({"direction": "sideways"}, "/direction"),
        ({"surprise": 1}, "/surprise"),
        ({"requested_duration_s": 0}, "/requested_duration_s"),
    ],
)
def test_what_is_wrong_with_a_question_is_named(
    changes: dict[str, Any], pointer: str, secret: str
) -> None:
    answer = post("/authorize", question(**changes), secret)
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]


def test_a_question_about_another_source_is_refused(secret: str) -> None:
    """1.7: the key decides the source."""
    answer = post("/authorize", question(source="other"), secret)
    assert (answer.status_code, answer.json()["code"]) == (403, "other_source")

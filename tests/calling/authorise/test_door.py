"""The short way answers like the long one, and leaves to it what is not usual."""

import logging
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from accounts.models import Organisation
from calling.authorise import door
from calling.models import Source
from tests.calling.authorise.test_api import FORM, give_key, post, question
from tests.calling.telephony import give_credit

pytestmark = pytest.mark.usefixtures("card", "mei")


@pytest.fixture
def secret(pbx: Source, formosa: Organisation) -> str:
    give_credit(formosa, "50", at=timezone.now())
    return give_key(pbx)


@pytest.fixture
def shut(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_this_way(request: object) -> None:
        raise door.LongWay

    monkeypatch.setattr(door, "answer_usual", not_this_way)


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each request took the short way."""
    ways: list[bool] = []
    usual = door.answer_usual

    def answer(request: Any) -> Any:
        ways.append(False)
        response = usual(request)
        ways[-1] = True
        return response

    monkeypatch.setattr(door, "answer_usual", answer)
    return ways


def test_both_ways_say_the_same(
    secret: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    short = post("/authorize", question(), secret)
    request.getfixturevalue("shut")
    long = post("/authorize", question(), secret)
    assert short.json() == long.json()
    assert list(short.json()) == list(long.json())
    wanted = {"Content-Type", "RateLimit-Policy", "X-Request-ID", "Content-Length"}
    for name in wanted - {"X-Request-ID"}:
        assert short[name].split(";")[0] == long[name].split(";")[0], name
    assert short["X-Request-ID"]


def test_the_usual_question_takes_the_short_way(secret: str, taken: list[bool]) -> None:
    post("/authorize", question(), secret)
    post("/authorize", question(call_id="2", to="+1900555"), secret)  # denied
    assert taken == [True, True]


def test_what_is_not_usual_takes_the_long_way(secret: str, taken: list[bool]) -> None:
    post("/authorize", "to=1&call_id=1", secret, content_type=FORM)
    post("/authorize", question(), secret, Accept="text/plain")
    post("/authorize", question(to="119"), secret)
    post("/authorize", question(surprise=1), secret)
    post("/authorize", "{", secret)
    post("/authorize", question(), "wrong")
    post("/authorize?format=text", question(), secret)
    assert taken == [False] * 7
    assert post("/authorize", "{", secret).status_code == 400


def test_a_key_with_addresses_is_compared_the_long_way(
    secret: str, pbx: Source, taken: list[bool]
) -> None:
    key = pbx.api_key
    assert key is not None
    key.allowed_ips = ["192.0.2.0/24"]
    key.save()
    answer = post("/authorize", question(), secret)
    assert (answer.status_code, answer.json()["code"]) == (403, "address_not_allowed")
    assert taken == [False]


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The database is gone as soon as a key is looked for; says for which."""
    asked: list[str] = []

    def gone(secret: str, at: object) -> None:
        asked.append(secret)
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(door, "recall_key", gone)
    return asked


def post_to_broken(secret: str, **fields: Any) -> Any:
    client = Client(raise_request_exception=False)
    return client.post(
        door.PATH,
        question(**fields),
        content_type="application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )


def test_what_breaks_is_seen_and_asked_once(
    secret: str, broken: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Not hidden behind a second try: 500 as a problem, and noted with its cause."""
    with caplog.at_level(logging.ERROR, "django.request"):
        answer = post_to_broken(secret)
    assert (answer.status_code, answer.json()["code"]) == (500, "server_error")
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["instance"] == f"/requests/{answer['X-Request-ID']}"
    assert broken == [secret]
    noted = [record.exc_info for record in caplog.records if record.exc_info]
    assert any(cause is OperationalError for cause, *_where in noted)


def test_a_call_for_help_is_allowed_while_all_is_broken(
    secret: str, broken: list[str]
) -> None:
    for fields in ({"to": "119"}, {"to": "119", "surprise": 1}):
        answer = post_to_broken(secret, **fields)
        assert (answer.status_code, answer.json()["decision"]) == (200, "allow")
    assert broken == []

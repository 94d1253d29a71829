"""Events over the API are those that endpoints were told of, word for word."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.emit_event import emit_event
from accounts.models import Organisation, Scope
from accounts.webhook_endpoint import create_endpoint
from tests.api_client import assert_problem, get, key_of, pages_of

NOW = timezone.now().replace(microsecond=0)


@pytest.fixture
def secret(formosa: Organisation) -> str:
    """A key of Formosa, which has an endpoint and was told of five events."""
    url = "https://hooks.formosa.example/"
    create_endpoint(formosa, url, [], actor=None, at=NOW)
    for number in range(5):
        emit_event(
            formosa,
            "topup.failed" if number % 2 else "topup.succeeded",
            {"top_up": f"top_{number}"},
            reference=str(number),
            at=NOW + timedelta(seconds=number // 2),  # some at the same moment
        )
    return key_of(formosa, Scope.WEBHOOKS_MANAGE)


def test_events_are_listed_newest_first_and_one_by_one(secret: str) -> None:
    pages = pages_of("/events", secret, limit=2)
    assert [len(page) for page in pages] == [2, 2, 1]
    events = [event for page in pages for event in page]
    told = [event["data"]["top_up"] for event in events]
    assert told == ["top_4", "top_3", "top_2", "top_1", "top_0"]
    assert get(f"/events/{events[0]['id']}", secret).json() == events[0]
    assert events[0]["timestamp"] == (NOW + timedelta(seconds=2)).isoformat().replace(
        "+00:00", "Z"
    )


def test_events_of_one_type(secret: str) -> None:
    found = get("/events?type=topup.failed", secret).json()["data"]
    assert [event["type"] for event in found] == ["topup.failed"] * 2
    assert get("/events?type=webhook.test", secret).json()["data"] == []
    assert_problem(get("/events?type=%00", secret), 422, "not_valid")


def test_an_event_that_is_not_there(secret: str) -> None:
    assert_problem(get(f"/events/evt_{'0' * 32}", secret), 404, "not_found")
    assert_problem(get("/events/evt_1", secret), 422, "not_valid")

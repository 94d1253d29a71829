"""The API of statements: a month adds up, and only months that were are there."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import Organisation, Scope
from tests import makers
from tests.api_client import assert_problem, get, key_of

MARCH = datetime(2026, 3, 10, tzinfo=UTC)


@pytest.fixture
def secret(formosa: Organisation) -> str:
    return key_of(formosa, Scope.BALANCE_READ)


def test_10_5_a_month_adds_up(formosa: Organisation, secret: str) -> None:
    makers.make_lot(formosa, "20", at=MARCH - timedelta(days=30))
    makers.make_lot(formosa, "5.25", at=MARCH)
    body = get("/statements/2026-03", secret).json()
    assert body["opening"] == {"amount": "20.000000", "currency": "USD"}
    assert body["closing"] == {"amount": "25.250000", "currency": "USD"}
    moved = {one["name"]: one["amount"]["amount"] for one in body["movements"]}
    assert moved == {"added": "5.250000", "used": "0.000000", "expired": "0.000000"}
    assert (body["month"], body["is_over"]) == ("2026-03", True)
    assert body["expired_not_posted"] == []


def test_10_5_what_has_expired_and_is_not_posted_is_told(
    formosa: Organisation, secret: str
) -> None:
    end = MARCH + timedelta(days=2)
    lot = makers.make_lot(formosa, "7", at=MARCH, expires_at=end)
    [told] = get("/statements/2026-03", secret).json()["expired_not_posted"]
    assert told == {
        "lot": f"lot_{lot.pk}",
        "amount": {"amount": "7.000000", "currency": "USD"},
        "expired_at": "2026-03-12T00:00:00Z",
    }


@pytest.mark.parametrize("month", ["2025-12", "2199-01"])
def test_a_month_that_was_not_or_is_not_yet_is_not_there(
    secret: str, month: str
) -> None:
    assert_problem(get(f"/statements/{month}", secret), 404, "not_found")


@pytest.mark.parametrize("month", ["2026-13", "2026-3", "march", "0000-01"])
def test_what_is_no_month_is_refused(secret: str, month: str) -> None:
    problem = assert_problem(get(f"/statements/{month}", secret), 422, "not_valid")
    assert problem["errors"][0]["pointer"] == "/month"

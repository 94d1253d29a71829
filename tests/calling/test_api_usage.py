"""The API of usage: calls by filter and page, and those in progress (rules 8, 9.4)."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Organisation, Scope
from calling.models import Line, Source
from tests import makers
from tests.api_client import assert_problem, get, key_of, pages_of
from tests.calling.telephony import (
    MORNING,
    give_credit,
    make_line,
    make_record,
    take_in,
)

pytestmark = pytest.mark.usefixtures("card")
PERIOD = f"first={MORNING.date()}&last={MORNING.date()}"


@pytest.fixture
def secret(formosa: Organisation) -> str:
    return key_of(formosa, Scope.USAGE_READ)


def calls(path: str, secret: str) -> list[dict[str, Any]]:
    answer = get(path, secret)
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def test_a_call_tells_its_price_and_who_paid(
    formosa: Organisation, pbx: Source, mei: Line, secret: str
) -> None:
    give_credit(formosa, "0.03")
    take_in(pbx, make_record("a", seconds=120))
    [call] = calls(f"/usage?{PERIOD}", secret)
    assert call["id"].startswith("cdr_")
    assert (call["kind"], call["direction"]) == ("international", "outbound")
    assert (call["from"], call["to"]) == ("+886223456789", "+81312345678")
    assert call["line"] == f"line_{mei.pk}"
    assert (call["prefix"], call["billed_seconds"]) == ("81", 120)
    assert call["cost"] == {"amount": "0.042000", "currency": "USD"}
    paid = {one["source"]: one["amount"]["amount"] for one in call["paid_by"]}
    assert paid == {"credit": "0.030000", "debt": "0.012000"}
    assert sum(one["seconds"] for one in call["paid_by"]) == 120


def test_calls_are_filtered_and_paged(
    formosa: Organisation, pbx: Source, mei: Line, secret: str
) -> None:
    give_credit(formosa, "1")
    for number in range(5):
        start = MORNING + timedelta(minutes=number)
        take_in(pbx, make_record(f"r{number}", at=start))
    pages = pages_of(f"/usage?{PERIOD}", secret, limit=2)
    assert [len(page) for page in pages] == [2, 2, 1]
    started = [call["started_at"] for page in pages for call in page]
    assert started == sorted(started, reverse=True)
    for filtered, count in {
        f"line=line_{mei.pk}": 5,
        "kind=international": 5,
        "kind=domestic": 0,
        "paid_by=credit": 5,
        "paid_by=pool": 0,
        "department=Sales": 0,
        "destination=Nowhere": 0,
    }.items():
        assert len(calls(f"/usage?{PERIOD}&{filtered}", secret)) == count, filtered
    assert calls("/usage", secret) == []  # this month


def test_another_organisations_line_is_not_found(
    contoso: Organisation, secret: str
) -> None:
    theirs = make_line(contoso, "+886287654321")
    assert_problem(get(f"/usage?line=line_{theirs.pk}", secret), 404, "not_found")


@pytest.mark.parametrize(
    "query", ["first=1999-12-31", "last=2200-01-01", "kind=x", "line=7", "paid_by=me"]
)
def test_a_filter_that_makes_no_sense_is_named(secret: str, query: str) -> None:
    problem = assert_problem(get(f"/usage?{query}", secret), 422, "not_valid")
    assert problem["errors"][0]["pointer"] == f"/{query.partition('=')[0]}"


def test_live_calls_are_those_of_the_organisation(
    formosa: Organisation, contoso: Organisation, secret: str
) -> None:
    now = timezone.now().replace(microsecond=0)
    hold = makers.make_hold(formosa, "3.3", at=now, caller="+8862", callee="+8190")
    makers.make_hold(contoso, "1", at=now)
    [call] = calls("/calls", secret)
    assert call == {
        "id": f"auth_{hold.pk}",
        "kind": "international",
        "from": "+8862",
        "to": "+8190",
        "line": None,
        "hold": {"amount": "3.300000", "currency": "USD"},
        "max_duration_s": 1800,
        "started_at": now.isoformat().replace("+00:00", "Z"),
        "expires_at": hold.deadline_at.isoformat().replace("+00:00", "Z"),
    }

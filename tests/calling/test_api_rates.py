"""The API of prices: the card that charges, and no other organisation's."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.keys import create_key
from accounts.models import Organisation, Scope
from calling.models import Charge, Line, RateCardVersion
from tests.calling.telephony import give_credit, make_card

pytestmark = pytest.mark.usefixtures("card")
MEI = "+886223456789"


def ask(
    organisation: Organisation | None,
    path: str,
    body: Any = None,
    *,
    scope: Scope = Scope.RATES_READ,
    named: str = "",
) -> tuple[int, dict[str, Any]]:
    _, secret = create_key(
        "key", organisation=organisation, scopes=[scope], at=timezone.now()
    )
    headers = {"Authorization": f"Bearer {secret}"}
    if named:
        headers["X-Organization"] = named
    client = Client(headers=headers)
    address = f"/api/v1{path}"
    if body is None:
        answer = client.get(address)
    else:
        answer = client.post(address, json.dumps(body), "application/json")
    told: dict[str, Any] = answer.json()
    return answer.status_code, told


def usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "USD"}


def test_a_number_is_looked_up_on_the_card_that_charges(
    formosa: Organisation, card: RateCardVersion
) -> None:
    later = timezone.now() + timedelta(days=9)
    make_card([{"prefix": "4475", "rate": "0.1"}], valid_from=later)
    status, told = ask(formosa, "/rates/lookup?number=%2B447500123456")
    assert status == 200
    starts_at = told["next"].pop("starts_at")
    assert starts_at[:16] == f"{later:%Y-%m-%dT%H:%M}"
    assert told == {
        "number": "+447500123456",
        "prefix": "447500",
        "destination": "Place 447500",
        "country": "GB",
        "number_type": "any",
        "rate_per_minute": usd("0.341000"),
        "connect_fee": usd("0.050000"),
        "minimum_charge": usd("0.000000"),
        "interval_1": 60,
        "interval_n": 60,
        "blocked": False,
        "price_since": "2026-01-01T00:00:00Z",
        "next": {
            "rate_per_minute": usd("0.100000"),
            "connect_fee": usd("0.000000"),
        },
    }


def test_a_national_number_is_read_where_the_organisation_is(
    formosa: Organisation,
) -> None:
    status, told = ask(formosa, "/rates/lookup?number=02-2345-6789")
    assert (status, told["prefix"]) == (200, "886")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("number=%2B33123456789", 404, "no_rate"),
        ("number=%2B81312345678&purpose=conference", 404, "no_rate"),
        ("number=abc", 422, "number_not_valid"),
        ("number=110", 422, "number_not_valid"),
        ("number=", 422, "not_valid"),
        ("", 422, "not_valid"),
        ("number=%2B81312345678&purpose=x", 422, "not_valid"),
    ],
)
def test_what_cannot_be_looked_up_is_a_problem(
    formosa: Organisation, query: str, status: int, code: str
) -> None:
    answered, told = ask(formosa, f"/rates/lookup?{query}")
    assert (answered, told["code"]) == (status, code)


def test_each_organisation_sees_its_own_card(
    formosa: Organisation, contoso: Organisation
) -> None:
    make_card([{"prefix": "81", "rate": "0.5"}], name="Own", organisation=formosa)
    path = "/rates/lookup?number=%2B81312345678"
    prices = [
        ask(who, path, named=named)[1]["rate_per_minute"]["amount"]
        for who, named in (
            (formosa, ""),
            (contoso, ""),
            (None, "formosa"),
            (None, "contoso"),
        )
    ]
    assert prices == ["0.500000", "0.021000", "0.500000", "0.021000"]
    assert ask(contoso, path, named="formosa")[0] == 404


def test_the_scope_is_asked_for(formosa: Organisation) -> None:
    body = {"from": MEI, "to": "+81312345678", "seconds": 60}
    for path, sent in (
        ("/rates/lookup?number=%2B81312345678", None),
        ("/quotes", body),
    ):
        status, told = ask(formosa, path, sent, scope=Scope.BALANCE_READ)
        assert (status, told["code"]) == (403, "scope_missing")


@pytest.mark.usefixtures("mei")
def test_a_quote_says_the_cost_and_its_parts(formosa: Organisation) -> None:
    give_credit(formosa, "0.1")
    status, told = ask(
        formosa, "/quotes", {"from": MEI, "to": "+819012345678", "seconds": 123}
    )
    assert status == 200
    assert told["cost"] == usd("0.231000")
    assert (told["kind"], told["billed_seconds"]) == ("international", 126)
    assert told["paid_by"] == [
        {"source": "credit", "seconds": 54, "amount": usd("0.100000")},
        {"source": "debt", "seconds": 72, "amount": usd("0.131000")},
    ]
    assert not Charge.objects.exists()


@pytest.mark.usefixtures("mei")
def test_a_quote_for_a_later_day_has_that_day_s_price(formosa: Organisation) -> None:
    later = timezone.now() + timedelta(days=9)
    make_card([{"prefix": "81", "rate": "9"}], valid_from=later)
    body = {"from": MEI, "to": "+81312345678", "seconds": 60}
    costs = [
        ask(formosa, "/quotes", {**body, "at": at.isoformat()})[1]["cost"]["amount"]
        for at in (later - timedelta(seconds=1), later)
    ]
    assert costs == ["0.021000", "9.000000"]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"to": "+33123456789"}, "not_rated"),
        ({"seconds": -1}, "not_valid"),
        ({"seconds": 86_401}, "not_valid"),
        ({"seconds": "60.5"}, "not_valid"),
        ({"kind": "pager"}, "not_valid"),
        ({"at": "2026-03-01T00:00:00"}, "not_valid"),
        ({"secnods": 1}, "not_valid"),
        ({"to": ""}, "not_valid"),
        ({"at": "9999-12-31T23:59:59Z"}, "not_valid"),
        ({"at": "0001-01-01T00:00:00+08:00"}, "not_valid"),
        ({"at": "2001-01-01T00:00:00Z"}, "not_rated"),
    ],
)
def test_what_cannot_be_quoted_is_a_problem(
    formosa: Organisation, mei: Line, more: dict[str, Any], code: str
) -> None:
    body = {"from": MEI, "to": "+81312345678", "seconds": 60, **more}
    status, told = ask(formosa, "/quotes", body)
    assert (status, told["code"]) == (422, code)


def test_another_organisation_s_number_is_not_quoted(
    contoso: Organisation, formosa: Organisation, mei: Line
) -> None:
    body = {"from": MEI, "to": "+81312345678", "seconds": 60}
    status, told = ask(contoso, "/quotes", body)
    assert (status, told["code"]) == (422, "not_rated")
    assert "paid_by" not in told

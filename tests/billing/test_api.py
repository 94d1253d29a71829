"""The API of money: who may ask, what is answered, and only once (rule 4.5)."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.keys import create_key
from accounts.models import IdempotencyKey, Organisation, Scope
from billing.models import TopUp
from billing.models.terms import TopUpTerms
from tests import makers
from tests.billing.buying import Buyer, assert_paid_once

Answer = Any


def key_of(organisation: Organisation | None, *scopes: Scope) -> str:
    _key, secret = create_key(
        "test", organisation=organisation, scopes=scopes, at=timezone.now()
    )
    return secret


def post(secret: str, body: Any = None, *, key: str = "k1", **headers: str) -> Answer:
    sent = {"Authorization": f"Bearer {secret}", **headers}
    if key:
        sent["Idempotency-Key"] = key
    data = {"amount": "100.00", "currency": "USD"} if body is None else body
    return Client().post(
        "/api/v1/top-ups",
        data if isinstance(data, str) else json.dumps(data),
        content_type="application/json",
        headers=sent,
    )


def get(path: str, secret: str = "", **headers: str) -> Answer:
    if secret:
        headers["Authorization"] = f"Bearer {secret}"
    return Client().get(f"/api/v1{path}", headers=headers)


def assert_problem(answer: Answer, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"].endswith(f"/problems/{code.replace('_', '-')}")
    assert body["detail"]
    assert body["instance"].startswith("/requests/")
    return body


# --- the balance ----------------------------------------------------------------------


def test_balance_is_told_in_exact_strings(formosa: Organisation) -> None:
    answer = get("/balance", key_of(formosa, Scope.BALANCE_READ))
    assert answer.status_code == 200
    nothing = {"amount": "0.000000", "currency": "USD"}
    assert answer.json() == {
        "balance": nothing,
        "available": nothing,
        "held": nothing,
        "debt": nothing,
        "billing_mode": "PREPAID",
    }


def test_key_of_the_provider_names_the_organisation(formosa: Organisation) -> None:
    secret = key_of(None, Scope.BALANCE_READ)
    named = {"X-Organization": "formosa"}
    assert get("/balance", secret, **named).json()["billing_mode"] == "PREPAID"
    assert_problem(get("/balance", secret), 422, "organisation_not_named")
    unknown = get("/balance", secret, **{"X-Organization": "nobody"})
    assert_problem(unknown, 404, "not_found")


def test_b48_key_sees_no_other_organisation(
    formosa: Organisation, contoso: Organisation
) -> None:
    secret = key_of(formosa, Scope.BALANCE_READ)
    answer = get("/balance", secret, **{"X-Organization": "contoso"})
    assert_problem(answer, 404, "not_found")


# --- keys -----------------------------------------------------------------------------


def test_request_without_a_valid_key_is_refused(formosa: Organisation) -> None:
    for secret in ("", "nonsense", "tg_test_" + "a" * 51):
        answer = get("/balance", secret)
        assert_problem(answer, 401, "key_not_valid")
        assert answer["WWW-Authenticate"] == "Bearer"


def test_key_as_user_name_of_basic_authentication_is_accepted(
    formosa: Organisation,
) -> None:
    secret = key_of(formosa, Scope.BALANCE_READ)
    for said in (f"{secret}:", secret, f"{secret}:x"):
        basic = base64.b64encode(said.encode()).decode()
        answer = get("/balance", Authorization=f"Basic {basic}")
        assert answer.status_code == 200
    for nonsense in ("Basic %%%", "Basic", "Digest x"):
        answer = get("/balance", Authorization=nonsense)
        assert_problem(answer, 401, "key_not_valid")


def test_key_without_the_scope_is_refused(formosa: Organisation) -> None:
    secret = key_of(formosa, Scope.USAGE_READ)
    assert_problem(get("/balance", secret), 403, "scope_missing")
    assert_problem(post(secret), 403, "scope_missing")
    assert not TopUp.objects.exists()


def test_key_of_the_provider_cannot_buy_for_a_customer(formosa: Organisation) -> None:
    answer = post(key_of(None, Scope.FUNDS_WRITE), **{"X-Organization": "formosa"})
    assert_problem(answer, 403, "own_key_only")
    assert not TopUp.objects.exists()


# --- buying ---------------------------------------------------------------------------


def test_top_up_starts_and_is_paid_at_its_address(buyer: Buyer) -> None:
    answer = post(key_of(buyer.organisation, Scope.FUNDS_WRITE))
    assert answer.status_code == 201
    body = answer.json()
    top_up = TopUp.objects.get()
    assert body["id"] == f"top_{top_up.pk}"
    assert body["state"] == "started"
    assert body["total"] == {"amount": "100.000000", "currency": "USD"}
    assert body["checkout_url"] == top_up.checkout_url
    buyer.pay(top_up)
    buyer.come_back(top_up)
    assert_paid_once(top_up)


def test_b1_replay_gives_the_stored_answer(buyer: Buyer) -> None:
    secret = key_of(buyer.organisation, Scope.FUNDS_WRITE)
    first, again = post(secret), post(secret)
    assert (again.status_code, again.json()) == (201, first.json())
    assert "Idempotent-Replayed" not in first.headers
    assert again["Idempotent-Replayed"] == "true"
    assert TopUp.objects.count() == 1


def test_b1_same_key_with_another_body_is_refused(buyer: Buyer) -> None:
    secret = key_of(buyer.organisation, Scope.FUNDS_WRITE)
    post(secret)
    other = post(secret, {"amount": "200.00", "currency": "USD"})
    assert_problem(other, 422, "idempotency_key_reused")
    assert TopUp.objects.count() == 1


def test_b1_same_key_while_the_first_runs_is_refused(buyer: Buyer) -> None:
    secret = key_of(buyer.organisation, Scope.FUNDS_WRITE)
    post(secret)
    IdempotencyKey.objects.update(status=None, created_at=timezone.now())
    assert_problem(post(secret), 409, "idempotency_key_in_use")


def test_request_that_died_is_taken_over_after_a_while(buyer: Buyer) -> None:
    secret = key_of(buyer.organisation, Scope.FUNDS_WRITE)
    first = post(secret)
    long_ago = timezone.now() - timedelta(minutes=5)
    IdempotencyKey.objects.update(status=None, body=None, created_at=long_ago)
    assert post(secret).json() == first.json()
    assert TopUp.objects.count() == 1


def test_request_that_moves_money_needs_a_key(buyer: Buyer) -> None:
    secret = key_of(buyer.organisation, Scope.FUNDS_WRITE)
    for key in ("", "k" * 256):
        answer = post(secret, key=key)
        assert_problem(answer, 422, "idempotency_key_missing")
    assert not TopUp.objects.exists()


def test_outage_of_stripe_leaves_the_key_free(buyer: Buyer) -> None:
    secret = key_of(buyer.organisation, Scope.FUNDS_WRITE)
    buyer.sandbox.fail("http_500", "/v1/customers")
    assert_problem(post(secret), 503, "payments_unavailable")
    assert not IdempotencyKey.objects.exists()
    assert post(secret).status_code == 201
    assert TopUp.objects.count() == 1


def test_nce_organisation_is_refused(contoso: Organisation) -> None:
    makers.make_terms("USD")
    secret = key_of(contoso, Scope.FUNDS_WRITE)
    body = assert_problem(post(secret), 409, "credits_not_for_sale")
    assert "new commerce experience" in body["detail"]
    chinese = post(secret, **{"Accept-Language": "zh-Hant"})
    assert_problem(chinese, 409, "credits_not_for_sale")
    assert not IdempotencyKey.objects.exists()


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"amount": "49.99", "currency": "USD"}, "/amount", "below_minimum"),
        ({"amount": "50.001", "currency": "USD"}, "/amount", "finer_than_step"),
        ({"amount": "99999999999", "currency": "USD"}, "/amount", "above_maximum"),
        ({"amount": "100.00", "currency": "EUR"}, "/currency", "other_currency"),
        ({"amount": "1e3", "currency": "USD"}, "/amount", "string_pattern_mismatch"),
        ({"amount": 100, "currency": "USD"}, "/amount", "string_type"),
        ({"amount": "NaN", "currency": "USD"}, "/amount", "string_pattern_mismatch"),
        ({"amount": "100.00"}, "/currency", "missing"),
        (
            {"amount": "100.00", "currency": "USD", "purchase_order": "a\x00b"},
            "/purchase_order",
            "string_pattern_mismatch",
        ),
        (
            {"amount": "100.00", "currency": "USD", "ammount": "1"},
            "/ammount",
            "extra_forbidden",
        ),
    ],
)
def test_field_that_cannot_be_accepted_is_named(
    formosa: Organisation, body: dict[str, Any], pointer: str, code: str
) -> None:
    makers.make_terms("USD")
    answer = post(key_of(formosa, Scope.FUNDS_WRITE), body)
    problem = assert_problem(answer, 422, "not_valid")
    [error] = problem["errors"]
    assert (error["pointer"], error["code"]) == (pointer, code)
    assert error["detail"]
    assert not TopUp.objects.exists()


def test_body_that_is_not_json_is_refused(formosa: Organisation) -> None:
    secret = key_of(formosa, Scope.FUNDS_WRITE)
    assert_problem(post(secret, "{amount"), 400, "not_json")


def test_too_many_orders_are_told_to_wait(formosa: Organisation) -> None:
    secret = key_of(formosa, Scope.FUNDS_WRITE)
    for number in range(60):
        assert post(secret, key=f"k{number}").status_code == 422  # nothing on sale
    answer = post(secret, key="one more")
    assert_problem(answer, 429, "too_many_requests")
    assert answer["Retry-After"] == "60"
    other = key_of(formosa, Scope.FUNDS_WRITE)
    assert post(other).status_code == 422


# --- around ---------------------------------------------------------------------------


def test_unknown_path_is_a_problem_too(db: None) -> None:
    for path in ("/nothing", "/top-ups/1/2", "/"):
        assert_problem(get(path), 404, "not_found")
    assert_problem(Client().get("/api/v2/balance"), 404, "not_found")


def test_crash_is_a_problem_without_a_traceback(
    formosa: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*args: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("credits.api.read_balance", crash)
    answer = get("/balance", key_of(formosa, Scope.BALANCE_READ))
    assert_problem(answer, 500, "server_error")
    assert b"secret detail" not in answer.content


def test_contract_describes_every_operation_and_answer(db: None) -> None:
    contract = get("/openapi.json").json()
    assert contract["openapi"].startswith("3.1")
    for path in ("/api/v1/balance", "/api/v1/top-ups"):
        for operation in contract["paths"][path].values():
            assert {"401", "403", "422", "500"} <= set(operation["responses"])
    wanted = contract["components"]["schemas"]["TopUpIn"]
    assert wanted["additionalProperties"] is False
    assert get("/docs").status_code == 200


def test_terms_are_needed_to_buy(formosa: Organisation) -> None:
    assert not TopUpTerms.objects.exists()
    answer = post(key_of(formosa, Scope.FUNDS_WRITE))
    [error] = assert_problem(answer, 422, "not_valid")["errors"]
    assert error["code"] == "currency_not_offered"

"""How every operation behaves: methods, bodies, quotas, addresses (RFC 9457, 9110)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client, override_settings
from django.utils import timezone

from accounts.api_bodies import FORM, text_answer
from accounts.keys import (
    NETWORKS_AT_MOST,
    create_key,
    forget_keys,
    read_networks,
    recall_key,
    revoke_key,
    rotate_key,
)
from accounts.models import ApiKey, Organisation, Scope, User
from accounts.token_bucket import refill_buckets, take_token
from calling.authorise.remember import forget_everything
from calling.models import Source
from config.contract import examples
from tests.api_client import ask, assert_problem, get, key_of
from tests.config.test_api_matrix import switch_key
from tests.makers import START

SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _full_buckets() -> Iterator[None]:
    refill_buckets()
    yield
    refill_buckets()
    forget_keys()


@pytest.fixture
def secret(formosa: Organisation) -> str:
    return key_of(formosa, Scope.BALANCE_READ, Scope.FUNDS_WRITE)


# --- methods and bodies ---------------------------------------------------------------


@pytest.mark.parametrize("method", ["PATCH", "POST", "DELETE", "OPTIONS"])
def test_a_method_that_is_not_there_is_a_problem(db: None, method: str) -> None:
    answer = ask(method, "/balance")
    problem = assert_problem(answer, 405, "method_not_allowed")
    assert answer["Allow"] == "GET"
    assert problem["detail"] == "This address takes: GET."


@pytest.mark.parametrize("said", [FORM, "text/plain", "text/json", "application/xml"])
def test_a_body_that_is_not_said_to_be_json_is_refused(secret: str, said: str) -> None:
    body = '{"amount": "100", "currency": "USD"}'
    answer = ask("POST", "/top-ups", secret, body, **{"Content-Type": said})
    problem = assert_problem(answer, 415, "media_type_not_supported")
    assert "application/json" in problem["detail"]


@pytest.mark.parametrize(
    "said", ["application/json; charset=utf-8", "application/cloudevents+json"]
)
def test_json_may_say_more_about_itself(secret: str, said: str) -> None:
    answer = ask("POST", "/top-ups", secret, "{}", **{"Content-Type": said})
    assert_problem(answer, 422, "not_valid")


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=50)
@pytest.mark.parametrize("path", ["/top-ups", "/quotes", "/webhook-endpoints"])
def test_a_body_that_is_too_large_is_refused(formosa: Organisation, path: str) -> None:
    secret = key_of(formosa, Scope.FUNDS_WRITE, Scope.RATES_READ, Scope.WEBHOOKS_MANAGE)
    assert_problem(ask("POST", path, secret, "x" * 51), 413, "too_large")


def test_plain_lines_name_what_an_object_has_in_it() -> None:
    body = {
        "decision": "deny",
        "sip": {"code": 402, "q850": 21},
        "rate": None,
        "ok": True,
        "reason": "no\nlines",
        "parts": [{"source": "pool"}, {"source": "credit"}],
    }
    answer = text_answer(body)
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.content.decode().splitlines() == [
        "decision=deny",
        "sip.code=402",
        "sip.q850=21",
        "ok=true",
        "reason=no lines",
        "parts.1.source=pool",
        "parts.2.source=credit",
    ]


def test_more_fields_than_anybody_sends_are_refused(pbx: Source, secret: str) -> None:
    form = "&".join(f"f{number}=1" for number in range(1001))
    said = {"Content-Type": FORM}
    answer = ask("POST", "/calls/authorize", switch_key(pbx, *Scope), form, **said)
    assert_problem(answer, 413, "too_large")
    assert_problem(get(f"/lots?{form}", secret), 422, "not_valid")


@pytest.mark.parametrize(
    ("path", "challenge"),
    [
        ("/cdrs", 'Bearer, Basic realm="Tollgate"'),
        ("/ingest/freeswitch", 'Bearer, Basic realm="Tollgate"'),
        ("/calls/authorize", 'Bearer, Basic realm="Tollgate"'),
        ("/top-ups", "Bearer"),
    ],
)
def test_switches_are_told_that_basic_does(db: None, path: str, challenge: str) -> None:
    body = examples()["post_authorize" if "calls" in path else "post_top_up"]["request"]
    answer = ask("POST", path, "", body)
    assert_problem(answer, 401, "key_not_valid")
    assert answer["WWW-Authenticate"] == challenge


def test_a_parameter_that_is_not_there_is_named(secret: str) -> None:
    answer = get("/lots?stat=spendable&limit=5", secret)
    [error] = assert_problem(answer, 422, "not_valid")["errors"]
    assert (error["pointer"], error["code"]) == ("/stat", "extra_forbidden")


def test_a_switch_may_say_more_in_the_address(pbx: Source) -> None:
    answer = ask("POST", "/ingest/freeswitch?uuid=5d0b", switch_key(pbx, *Scope), "{}")
    assert_problem(answer, 422, "not_valid")  # an empty document, not the address


# --- quotas ---------------------------------------------------------------------------


def test_every_answer_tells_how_the_key_stands(secret: str) -> None:
    with override_settings(API_QUOTAS={"default": (2, 60)}):
        first, second, third = (get("/balance", secret) for _ in range(3))
    assert first["RateLimit-Policy"] == '"default";q=2;w=60'
    assert first["RateLimit"] == '"default";r=1;t=0'
    assert second["RateLimit"] == '"default";r=0;t=30'
    assert_problem(third, 429, "too_many_requests")
    assert 0 < int(third["Retry-After"]) <= 30
    assert third["RateLimit"].startswith('"default";r=0;t=')
    refill_buckets()
    refused = ask("POST", "/top-ups", secret, {})
    assert refused.status_code == 422
    assert "RateLimit" in refused
    assert "RateLimit" not in get("/balance")


def test_another_key_has_a_bucket_of_its_own(
    formosa: Organisation, secret: str
) -> None:
    other = key_of(formosa, Scope.BALANCE_READ)
    with override_settings(API_QUOTAS={"default": (1, 60)}):
        assert get("/balance", secret).status_code == 200
        assert get("/balance", secret).status_code == 429
        assert get("/balance", other).status_code == 200


@override_settings(API_QUOTAS={"slow": (2, 10), "fast": (100, 1)})
def test_a_bucket_refills_evenly() -> None:
    stands = [take_token("key1", "slow", at=START) for _ in range(3)]
    assert [stand.is_refused for stand in stands] == [False, False, True]
    assert stands[2].next_in == 5
    assert not take_token("key1", "fast", at=START).is_refused
    assert take_token("key1", "slow", at=START + 4 * SECOND).is_refused
    assert not take_token("key1", "slow", at=START + 5 * SECOND).is_refused
    long_after = take_token("key1", "slow", at=START + 1000 * SECOND)
    assert long_after.left == 1  # never more than its size
    assert not take_token("key1", "slow", at=START).is_refused  # a clock set back


# --- where a key may be used from -----------------------------------------------------


def from_address(secret: str, address: str, **headers: str) -> Any:
    headers["Authorization"] = f"Bearer {secret}"
    return Client(REMOTE_ADDR=address).get("/api/v1/balance", headers=headers)


def only_from(formosa: Organisation, *networks: str) -> str:
    return create_key(
        "office",
        organisation=formosa,
        scopes=[Scope.BALANCE_READ],
        at=timezone.now(),
        allowed_ips=networks,
    )[1]


def test_a_key_with_a_list_is_accepted_from_there_alone(formosa: Organisation) -> None:
    secret = only_from(formosa, "192.0.2.7", "198.51.100.0/24", "2001:db8::/32")
    for address in ("192.0.2.7", "198.51.100.200", "2001:db8::7", "::ffff:192.0.2.7"):
        assert from_address(secret, address).status_code == 200, address
    for address in ("192.0.2.8", "2001:db9::7"):
        answer = from_address(secret, address)
        assert_problem(answer, 403, "address_not_allowed")


def test_the_list_holds_for_calls_too(pbx: Source) -> None:
    secret = switch_key(pbx, Scope.CALLS_AUTHORIZE)
    ApiKey.objects.update(allowed_ips=["192.0.2.7"])
    forget_everything()
    for address, status in {"192.0.2.7": 200, "192.0.2.8": 403}.items():
        answer = Client(REMOTE_ADDR=address).post(
            "/api/v1/calls/authorize",
            examples()["post_authorize"]["request"],
            content_type="application/json",
            headers={"Authorization": f"Bearer {secret}"},
        )
        assert answer.status_code == status, answer.content


def test_forwarded_addresses_count_only_behind_a_trusted_proxy(
    formosa: Organisation,
) -> None:
    secret = only_from(formosa, "192.0.2.7")
    forged = {"X-Forwarded-For": "192.0.2.7"}
    assert from_address(secret, "203.0.113.9", **forged).status_code == 403
    with override_settings(ALLAUTH_TRUSTED_PROXY_COUNT=1):
        told = {"X-Forwarded-For": "192.0.2.7, 203.0.113.9"}
        assert from_address(secret, "10.0.0.1", **told).status_code == 403
        told = {"X-Forwarded-For": "203.0.113.9, 192.0.2.7"}
        assert from_address(secret, "10.0.0.1", **told).status_code == 200
        told = {"X-Forwarded-For": "nonsense"}
        assert from_address(secret, "10.0.0.1", **told).status_code == 403
    with override_settings(ALLAUTH_TRUSTED_PROXY_COUNT=2):
        assert from_address(secret, "10.0.0.1", **forged).status_code == 403


def test_networks_are_kept_in_their_usual_spelling() -> None:
    given = [" 192.0.2.9/24 ", "192.0.2.7/32", "2001:DB8:0::/32"]
    assert read_networks(given) == ["192.0.2.0/24", "192.0.2.7", "2001:db8::/32"]
    with pytest.raises(ValidationError, match="neither an IP address"):
        read_networks(["office"])
    with pytest.raises(ValidationError, match="At most 50"):
        read_networks(["192.0.2.7"] * (NETWORKS_AT_MOST + 1))


# --- keys from memory -----------------------------------------------------------------


def test_a_recalled_key_costs_no_statement_and_ends_when_it_should(
    formosa: Organisation, alice: User, django_assert_num_queries: Any
) -> None:
    key, secret = create_key(
        "switch",
        organisation=formosa,
        scopes=[Scope.BALANCE_READ],
        at=START,
        expires_at=START + 4 * SECOND,
    )
    assert recall_key(secret, START) == key
    with django_assert_num_queries(0):
        assert recall_key(secret, START + 3 * SECOND) == key
        assert recall_key(secret, START + 4 * SECOND) is None
    assert recall_key("tg_test_nonsense", START) is None


def test_a_revoked_key_is_forgotten_when_facts_have_moved(
    formosa: Organisation,
    alice: User,
    django_capture_on_commit_callbacks: Any,
) -> None:
    key, secret = create_key(
        "switch", organisation=formosa, scopes=[Scope.BALANCE_READ], at=START
    )
    assert recall_key(secret, START) == key
    ApiKey.objects.update(revoked_at=START)  # another process
    assert recall_key(secret, START + SECOND) == key
    forget_keys()  # what whoever sees a new version does
    assert recall_key(secret, START + SECOND) is None
    ApiKey.objects.update(revoked_at=None)
    assert recall_key(secret, START) == key
    with django_capture_on_commit_callbacks(execute=True):
        revoke_key(key, actor=alice, reason="it leaked", at=START)
    assert recall_key(secret, START) is None


def test_memory_lasts_five_seconds(formosa: Organisation) -> None:
    key, secret = create_key(
        "switch", organisation=formosa, scopes=[Scope.BALANCE_READ], at=START
    )
    assert recall_key(secret, START) == key
    ApiKey.objects.update(revoked_at=START)
    assert recall_key(secret, START + 4 * SECOND) == key
    assert recall_key(secret, START + 5 * SECOND) is None


def test_a_source_goes_on_with_every_rotated_key(
    formosa: Organisation, alice: User
) -> None:
    key, _secret = create_key(
        "switch", organisation=None, scopes=[Scope.CDRS_WRITE], at=START
    )
    first = key.pk
    for _turn in range(3):
        key, _secret = rotate_key(key, actor=alice, reason="yearly", at=START)
        assert key.first_id == first
    old = ApiKey.objects.get(pk=first)
    with pytest.raises(ValidationError, match="not replaced yet"):
        rotate_key(old, actor=alice, reason="again", at=START)

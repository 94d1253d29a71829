"""Call records over HTTP: the key decides the source, each record gets an answer."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client, override_settings
from django.utils import timezone

from accounts.keys import create_key
from accounts.models import Organisation, Scope
from calling.api import CallRecordBody
from calling.formats.generic import FIELDS
from calling.models import CallRecord, RawRecord, RejectedRow, Source
from tests.calling.telephony import MORNING, charge_of, give_credit, make_source

pytestmark = pytest.mark.usefixtures("card", "mei")

Answer = Any


@pytest.fixture
def secret(pbx: Source) -> str:
    """The key of the switch."""
    return give_key(pbx)


def give_key(
    source: Source | None,
    *,
    organisation: Organisation | None = None,
    scope: Scope = Scope.CDRS_WRITE,
) -> str:
    key, secret = create_key(
        "switch", organisation=organisation, scopes=[scope], at=timezone.now()
    )
    if source is not None:
        source.api_key = key
        source.save()
    return secret


def document(record_id: str = "a", **changes: Any) -> dict[str, Any]:
    facts = {
        "source_record_id": record_id,
        "direction": "outbound",
        "from": "+886223456789",
        "to": "+81312345678",
        "answered_at": MORNING.isoformat(),
        "ended_at": (MORNING + timedelta(minutes=1)).isoformat(),
    }
    return {**facts, **changes}


def post(path: str, body: Any, secret: str = "", **headers: str) -> Answer:
    if secret:
        headers["Authorization"] = f"Bearer {secret}"
    data = body if isinstance(body, str | bytes) else json.dumps(body)
    return Client().post(
        f"/api/v1{path}", data, content_type="application/json", headers=headers
    )


def code_of(answer: Answer) -> tuple[int, str]:
    assert answer["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def statuses(answer: Answer) -> list[tuple[str, str]]:
    assert answer.status_code == 200, answer.content
    results = answer.json()["results"]
    return [(result["status"], result["reason"]) for result in results]


def test_a_record_is_stored_and_charged(secret: str, formosa: Organisation) -> None:
    give_credit(formosa, "1")
    body = json.dumps(document(), indent=1)
    answer = post("/cdrs", body, secret)
    assert answer.status_code == 200
    assert answer.json() == {
        "source_record_id": "a",
        "status": "stored",
        "reason": "",
        "detail": "",
    }
    assert charge_of("a").credit_amount == 21_000
    assert RawRecord.objects.get().body == body
    assert post("/cdrs", document(), secret).json()["status"] == "duplicate"
    corrected = post("/cdrs", document(billable_s=120), secret)
    assert corrected.json()["status"] == "correction"


def test_a_batch_is_answered_record_by_record(secret: str) -> None:
    answer = post(
        "/cdrs/batch",
        [
            document("a"),
            document("b", **{"from": "+886299990000"}),
            document("c", billable_s=-1),
            17,
            document("a"),
            document("d", colour="blue"),
        ],
        secret,
    )
    assert statuses(answer) == [
        ("stored", ""),
        ("waiting", "no_owner"),
        ("rejected", ""),
        ("rejected", ""),
        ("duplicate", ""),
        ("rejected", ""),
    ]
    results = answer.json()["results"]
    assert results[1]["detail"] == "No organisation owns these numbers."
    assert results[2] == {
        "source_record_id": "c",
        "status": "rejected",
        "reason": "",
        "detail": "billable_s is negative.",
    }
    assert results[5]["detail"] == "Unknown field: colour."
    lines = RejectedRow.objects.order_by("line").values_list("line", flat=True)
    assert list(lines) == [3, 4, 6]


def test_an_empty_batch_is_answered_with_nothing(secret: str) -> None:
    assert statuses(post("/cdrs/batch", [], secret)) == []


def test_basic_is_understood_too(secret: str) -> None:
    """FreeSWITCH and FreeRADIUS send the key as the user name."""
    credentials = base64.b64encode(f"{secret}:".encode()).decode()
    answer = post("/cdrs", document(), Authorization=f"Basic {credentials}")
    assert answer.json()["status"] == "stored"


def test_the_organisation_may_be_named_in_a_header(
    secret: str, contoso: Organisation
) -> None:
    record = document(**{"from": "+886299990000"})
    post("/cdrs", record, secret, **{"X-Organization": "contoso"})
    assert CallRecord.objects.get().organisation == contoso


@pytest.mark.parametrize("path", ["/cdrs", "/cdrs/batch"])
def test_rule_1_7_a_body_that_names_another_source_is_refused(
    path: str, secret: str, pbx: Source
) -> None:
    own, other = document("a", source="pbx"), document("b", source="sbc9")
    body: Any = other if path == "/cdrs" else [own, other]
    answer = post(path, body, secret)
    assert code_of(answer) == (403, "other_source")
    assert "sbc9" in answer.json()["detail"]
    assert not RawRecord.objects.exists()
    body = own if path == "/cdrs" else [own]
    assert post(path, body, secret).status_code == 200


def test_rule_1_7_a_customer_never_writes_its_own_bill(
    pbx: Source, formosa: Organisation
) -> None:
    key, secret = create_key(
        "own", organisation=formosa, scopes=[Scope.USAGE_READ], at=timezone.now()
    )
    assert code_of(post("/cdrs", document(), secret)) == (403, "scope_missing")
    # Even a row that got the scope behind the verb's back opens nothing.
    key.scopes = [Scope.CDRS_WRITE.value]
    key.save()
    pbx.api_key = key
    pbx.save()
    assert code_of(post("/cdrs", document(), secret)) == (403, "scope_missing")
    assert not RawRecord.objects.exists()


def test_who_may_not(pbx: Source) -> None:
    assert code_of(post("/cdrs", document())) == (401, "key_not_valid")
    assert code_of(post("/cdrs", document(), "tg_test_x")) == (401, "key_not_valid")
    no_source = give_key(None)
    assert code_of(post("/cdrs", document(), no_source)) == (403, "key_has_no_source")
    asks_only = give_key(make_source("asks"), scope=Scope.CALLS_AUTHORIZE)
    assert code_of(post("/cdrs", document(), asks_only)) == (403, "scope_missing")


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/cdrs", "{", (400, "not_json")),
        ("/cdrs", b"\xff\xfe", (400, "not_json")),
        ("/cdrs", '{"billable_s": NaN}', (400, "not_json")),
        ("/cdrs", "[" * 100_000, (400, "not_json")),
        ("/cdrs", [], (422, "not_valid")),
        ("/cdrs", {}, (422, "not_valid")),
        ("/cdrs", document(ended_at="2026-11-22T02:02:09"), (422, "not_valid")),
        ("/cdrs", document(colour="blue"), (422, "not_valid")),
        ("/cdrs/batch", document(), (422, "not_valid")),
        ("/cdrs/batch", [{}] * 1001, (413, "batch_too_large")),
    ],
)
def test_a_bad_body_is_a_problem_and_stores_nothing(
    secret: str, path: str, body: Any, expected: tuple[int, str]
) -> None:
    assert code_of(post(path, body, secret)) == expected
    assert not RawRecord.objects.exists()


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=1000)
def test_a_body_that_is_too_large_is_a_problem(secret: str) -> None:
    answer = post("/cdrs", document(user="x" * 2000), secret)
    assert code_of(answer) == (413, "too_large")


def test_the_sentence_of_a_refusal_names_the_field(secret: str) -> None:
    answer = post("/cdrs", document(ended_at="2026-11-22T02:02:09"), secret)
    assert answer.json()["detail"] == (
        "This is no call record: ended_at has no time zone."
    )


def test_the_schema_tells_the_words_the_format_reads() -> None:
    told = CallRecordBody.model_json_schema(by_alias=True)
    assert set(told["properties"]) == FIELDS
    assert told["additionalProperties"] is False
    required = {"source_record_id", "direction", "answered_at", "ended_at"}
    assert set(told["required"]) == required


def test_the_schema_is_published() -> None:
    paths = Client().get("/api/v1/openapi.json").json()["paths"]
    operation = paths["/api/v1/cdrs/batch"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert schema["maxItems"] == 1000
    assert {"200", "401", "403", "413", "422"} <= set(operation["responses"])

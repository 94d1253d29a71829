"""The OpenAPI document: reviewed, complete, and with examples that are true to it."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from django.core.management import call_command
from django.test import Client

from config.api import api
from config.contract import examples

CONTRACT = Path(__file__).parents[2] / "docs" / "openapi.json"
DOCUMENT: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema()))
OPERATIONS = {
    operation["operationId"]: operation
    for methods in DOCUMENT["paths"].values()
    for operation in methods.values()
}
EVERY_OPERATION = pytest.mark.parametrize("name", sorted(OPERATIONS))


def test_contract_in_the_repository_is_the_one_that_is_served() -> None:
    """Change it knowingly: `make contract` writes it (docs/api.md)."""
    assert json.loads(CONTRACT.read_text("utf-8")) == DOCUMENT


def test_the_command_writes_what_is_served(tmp_path: Path) -> None:
    written = tmp_path / "openapi.json"
    call_command("export_openapi_schema", api="config.api.api", output=str(written))
    assert json.loads(written.read_text("utf-8")) == DOCUMENT


def test_it_is_openapi_3_1_and_names_each_operation_once() -> None:
    assert DOCUMENT["openapi"].startswith("3.1")
    named = [op["operationId"] for m in DOCUMENT["paths"].values() for op in m.values()]
    assert len(named) == len(set(named))
    assert set(DOCUMENT["components"]["securitySchemes"]) == {"Bearer", "Basic"}


@EVERY_OPERATION
def test_refusals_are_problems(name: str) -> None:
    operation = OPERATIONS[name]
    wanted = {"401", "403", "404", "409", "422", "429", "500", "503"}
    if "requestBody" in operation:
        wanted |= {"400", "413", "415"}
    answers = operation["responses"]
    refused = {status for status in answers if int(status) >= 400}
    assert refused == wanted
    for status in wanted:
        assert answers[status] == {"$ref": f"#/components/responses/{status}"}
        answer = DOCUMENT["components"]["responses"][status]
        assert list(answer["content"]) == ["application/problem+json"]


def valid(schema: Any, example: Any) -> None:
    whole = {**schema, "components": DOCUMENT["components"]}
    jsonschema_rs.Draft202012Validator(whole, validate_formats=True).validate(example)


@EVERY_OPERATION
def test_examples_are_true_to_their_schemas(name: str) -> None:
    operation, told = OPERATIONS[name], examples()[name]
    body = operation.get("requestBody", {}).get("content", {})
    shown = [one for one in body.values() if "example" in one]
    assert len(shown) == bool(body)
    for one in shown:
        if one["schema"].get("format") != "binary":
            valid(one["schema"], one["example"])
    [(status, answer)] = [
        item for item in operation["responses"].items() if int(item[0]) < 400
    ]
    if status != "204":
        content = answer["content"]["application/json"]
        valid(content["schema"], content["example"])
        assert content["example"] == told["response"]


def test_the_docs_page_comes_from_here_under_our_policy(db: None) -> None:
    answer = Client().get("/api/v1/docs")
    assert answer.status_code == 200
    page = answer.text
    assert "//" not in page.replace("http://testserver", "")
    policy = answer["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy

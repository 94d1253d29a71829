"""What the OpenAPI document says beyond what the framework reads from the code.

Every operation may be refused in the same ways, so that is said once, here. Examples
stand in api_examples.json, by the name of the operation.
"""

import json
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from accounts.api_bodies import FORM
from accounts.problems import Problem

PROBLEM_JSON = "application/problem+json"
EXAMPLES = Path(__file__).with_name("api_examples.json")
REFERENCE = "#/components/schemas/"
SERVER_ERRORS = (500, 503)
REFUSALS = (401, 403, 404, 409, 422, 429)
OF_A_BODY = (400, 413, 415)
SECURITY = {
    "Bearer": {"type": "http", "scheme": "bearer"},
    "Basic": {
        "type": "http",
        "scheme": "basic",
        "description": "The key is the user name; for switches that can do only this.",
    },
}
DESCRIPTION = """\
Communications credits and calling plans. Money is a string with six decimals and a
currency, times are RFC 3339 in UTC, refusals are `application/problem+json` with a
stable `code`, lists come in pages with an opaque cursor. Every answer to a valid key
carries `RateLimit` and `RateLimit-Policy`.
"""

Node = dict[str, Any]


@cache
def examples() -> dict[str, Node]:
    """By operation: its `request` and its `response`, where it has them."""
    found: dict[str, Node] = json.loads(EXAMPLES.read_text("utf-8"))
    return found


def complete(document: Node) -> None:
    """Adds keys, refusals and examples to the framework's document, in place."""
    components = document["components"]
    components["securitySchemes"] = SECURITY
    components["schemas"] |= _problem_schemas()
    components["responses"] = _refusals()
    document["security"] = [{name: []} for name in SECURITY]
    for methods in document["paths"].values():
        for operation in methods.values():
            _own_the_body(operation, components["schemas"])
            _open_to_all(operation)
            _add_refusals(operation)
            _add_plain_text(operation)
            _add_examples(operation, examples().get(operation["operationId"], {}))


def _problem_schemas() -> Node:
    schema = Problem.model_json_schema(ref_template=REFERENCE + "{model}")
    return {**schema.pop("$defs"), "Problem": schema}


def _own_the_body(operation: Node, schemas: Node) -> None:
    """A copy of what the router said of the body, its definitions among the others."""
    if "requestBody" not in operation:
        return
    text = json.dumps(operation["requestBody"])
    body = json.loads(text.replace("#/$defs/", REFERENCE))
    for described in body["content"].values():
        schema = described["schema"]
        for one in (schema, schema.get("items", {})):
            schemas |= one.pop("$defs", {})
    operation["requestBody"] = body


def _open_to_all(operation: Node) -> None:
    """Leaves keys to the document, and says where an answer is given without one."""
    if {} in operation.pop("security", []):
        operation["security"] = [*({name: []} for name in SECURITY), {}]


def _add_plain_text(operation: Node) -> None:
    """Who may send a form may also read lines (accounts/api_bodies.py)."""
    body = operation.get("requestBody", {}).get("content", {})
    if body.get(FORM, {}).get("schema", {}).get("type") != "object":
        return
    operation["parameters"].append(
        {
            "in": "query",
            "name": "format",
            "description": "`text` answers `name=value` lines, as Accept can as well.",
            "schema": {"type": "string"},
        }
    )
    operation["responses"][200]["content"]["text/plain"] = {
        "schema": {"type": "string"}
    }


def _refusals() -> Node:
    """The answers that every operation may give, to be referred to by status."""
    content = {PROBLEM_JSON: {"schema": {"$ref": REFERENCE + "Problem"}}}
    return {
        str(status): {"description": HTTPStatus(status).phrase, "content": content}
        for status in sorted((*REFUSALS, *OF_A_BODY, *SERVER_ERRORS))
    }


def _add_refusals(operation: Node) -> None:
    with_body = OF_A_BODY if "requestBody" in operation else ()
    for status in sorted((*REFUSALS, *with_body, *SERVER_ERRORS)):
        reference = {"$ref": f"#/components/responses/{status}"}
        operation["responses"][status] = reference


def _add_examples(operation: Node, told: Node) -> None:
    body = operation.get("requestBody", {}).get("content", {})
    if body and "request" in told:
        # Of several types the first: a form carries the same names.
        next(iter(body.values()))["example"] = told["request"]
    for status, answer in operation["responses"].items():
        content = answer.get("content", {}).get("application/json")
        if content is not None and 200 <= int(status) < 300 and "response" in told:
            content["example"] = told["response"]

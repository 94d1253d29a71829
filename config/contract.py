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
    document["security"] = [{name: []} for name in SECURITY]
    for methods in document["paths"].values():
        for operation in methods.values():
            operation.pop("security", None)
            _add_refusals(operation)
            _add_examples(operation, examples().get(operation["operationId"], {}))


def _problem_schemas() -> Node:
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs"), "Problem": schema}


def _add_refusals(operation: Node) -> None:
    with_body = OF_A_BODY if "requestBody" in operation else ()
    schema = {"$ref": "#/components/schemas/Problem"}
    for status in sorted({*REFUSALS, *with_body, *SERVER_ERRORS}):
        operation["responses"][status] = {
            "description": HTTPStatus(status).phrase,
            "content": {PROBLEM_JSON: {"schema": schema}},
        }


def _add_examples(operation: Node, told: Node) -> None:
    body = operation.get("requestBody", {}).get("content", {})
    for content_type, described in body.items():
        # A form has no example of its own: it carries the same names.
        if "request" in told and content_type != FORM:
            described["example"] = told["request"]
            break
    for status, answer in operation["responses"].items():
        content = answer.get("content", {}).get("application/json")
        if content is not None and 200 <= int(status) < 300 and "response" in told:
            content["example"] = told["response"]

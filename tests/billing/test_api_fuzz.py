"""The API keeps to its own contract, whatever is sent to it (R9)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import positive_data_acceptance

from accounts.keys import create_key
from accounts.models import Organisation, Scope
from config.api import api
from config.wsgi import application
from tests import makers

CONTRACT = Path(__file__).parents[2] / "docs" / "openapi.json"
OPERATIONS = [
    (path, method)
    for path, methods in api.get_openapi_schema()["paths"].items()
    for method in methods
]


@pytest.fixture(autouse=True)
def _connection_stays_open() -> Iterator[None]:
    """A real request closes its connection, which here is the test's."""
    for moment in (request_started, request_finished):
        moment.disconnect(close_old_connections)
    yield
    for moment in (request_started, request_finished):
        moment.connect(close_old_connections)


def test_contract_in_the_repository_is_the_one_that_is_served() -> None:
    """Change it knowingly: manage.py export_openapi_schema (docs/operate.md)."""
    assert json.loads(CONTRACT.read_text("utf-8")) == json.loads(
        json.dumps(api.get_openapi_schema())
    )


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_operation_answers_as_it_says(
    formosa: Organisation, path: str, method: str
) -> None:
    makers.make_terms(minimum="0.01")
    contract = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)
    operation = contract[path][method.upper()]
    keys = [
        create_key("own", organisation=formosa, scopes=own(), at=timezone.now())[1],
        create_key("all", organisation=None, scopes=list(Scope), at=timezone.now())[1],
        "tg_test_unknown",
    ]

    @given(case=operation.as_strategy(), key=st.sampled_from(keys))
    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    def fuzz(case: Any, key: str) -> None:
        # A well-formed order may still be too small, or name nobody's wallet.
        case.call_and_validate(
            headers={"Authorization": f"Bearer {key}"},
            excluded_checks=[positive_data_acceptance],
        )

    fuzz()


def own() -> list[Scope]:
    return [scope for scope in Scope if not scope.is_for_provider_only]

"""The API keeps to its own contract, whatever is sent to it (R9)."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    negative_data_rejection,
    positive_data_acceptance,
)

from accounts.models import Organisation, Scope
from accounts.token_bucket import refill_buckets
from calling.authorise.remember import forget_everything
from calling.models import Source
from config.api import api
from config.wsgi import application
from tests import makers
from tests.api_client import key_of
from tests.config.test_api_matrix import switch_key

OPERATIONS = [
    (path, method)
    for path, methods in api.get_openapi_schema()["paths"].items()
    for method in methods
]
EXAMPLES = 10  # of each operation, in each of the two ways
# A record of a batch that is none is refused within the answer, 200, with its reason.
LEFT_OUT = {"/api/v1/cdrs/batch": [negative_data_rejection]}


@pytest.fixture(autouse=True)
def _connection_stays_open() -> Iterator[None]:
    """A real request closes its connection, which here is the test's."""
    for moment in (request_started, request_finished):
        moment.disconnect(close_old_connections)
    yield
    for moment in (request_started, request_finished):
        moment.connect(close_old_connections)


@cache
def contract() -> Any:
    """Read over the wire, once, by the first test: it needs a database around it."""
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)


@pytest.fixture
def keys(formosa: Organisation, pbx: Source) -> list[str]:
    """An organisation's, a switch's, the provider's without a source, and nobody's."""
    own = [scope for scope in Scope if not scope.is_for_provider_only]
    return [
        key_of(formosa, *own),
        switch_key(pbx, *Scope),
        key_of(None, *Scope),
        "tg_test_unknown",
    ]


@pytest.mark.usefixtures("card", "mei", "stripe_sandbox")
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_operation_answers_as_it_says(
    keys: list[str],
    path: str,
    method: str,
    mode: GenerationMode,
) -> None:
    makers.make_terms(minimum="0.01")
    forget_everything()
    operation = contract()[path][method.upper()]

    @given(case=operation.as_strategy(generation_mode=mode), key=st.sampled_from(keys))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    def fuzz(case: Any, key: str) -> None:
        refill_buckets()
        # A well-formed order may still be too small, or name nobody's wallet.
        case.call_and_validate(
            headers={"Authorization": f"Bearer {key}"},
            excluded_checks=[positive_data_acceptance, *LEFT_OUT.get(path, [])],
        )

    fuzz()

"""Who may do what over the API: every operation × scope × own and others' (rule 1.7).

The operations are those of the router, so a new one without a row here fails.
"""

from dataclasses import dataclass
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.keys import create_key
from accounts.models import Organisation, Scope, WebhookEndpoint, WebhookEvent
from calling.authorise.remember import forget_everything
from calling.models import Source
from config.api import api
from config.contract import examples
from tests import makers
from tests.api_client import Answer, ask, key_of
from tests.calling.telephony import make_source

OWN, EITHER, SOURCE = "own", "either", "source"
DOCUMENT = api.get_openapi_schema()
NAMES = {
    operation["operationId"]: (method.upper(), path.removeprefix("/api/v1"))
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}


@dataclass(frozen=True)
class Row:
    """The scope an operation asks for, and whose keys may use it.

    OWN: the organisation's alone. EITHER: the provider's as well, which name one.
    SOURCE: the provider's alone, each bound to a source. `parameter` names an object.
    """

    scope: Scope
    whose: str
    parameter: str = ""
    query: str = ""


ROWS = {
    "list_endpoints": Row(Scope.WEBHOOKS_MANAGE, OWN),
    "post_endpoint": Row(Scope.WEBHOOKS_MANAGE, OWN),
    "end_endpoint": Row(Scope.WEBHOOKS_MANAGE, OWN, "endpoint_id"),
    "list_events": Row(Scope.WEBHOOKS_MANAGE, OWN),
    "get_event": Row(Scope.WEBHOOKS_MANAGE, OWN, "event_id"),
    "get_balance": Row(Scope.BALANCE_READ, EITHER),
    "list_lots": Row(Scope.BALANCE_READ, EITHER),
    "list_entries": Row(Scope.BALANCE_READ, EITHER),
    "post_top_up": Row(Scope.FUNDS_WRITE, OWN),
    "get_auto_recharge": Row(Scope.BALANCE_READ, EITHER),
    "put_auto_recharge": Row(Scope.FUNDS_WRITE, OWN),
    "delete_auto_recharge": Row(Scope.FUNDS_WRITE, OWN),
    "get_statement": Row(Scope.BALANCE_READ, EITHER),
    "get_rate": Row(Scope.RATES_READ, EITHER, query="?number=%2B81312345678"),
    "post_quote": Row(Scope.RATES_READ, EITHER),
    "list_usage": Row(Scope.USAGE_READ, EITHER),
    "list_live_calls": Row(Scope.USAGE_READ, EITHER),
    "post_call_record": Row(Scope.CDRS_WRITE, SOURCE),
    "post_call_records": Row(Scope.CDRS_WRITE, SOURCE),
    "post_authorize": Row(Scope.CALLS_AUTHORIZE, SOURCE),
    "post_extend": Row(Scope.CALLS_AUTHORIZE, SOURCE, "authorization_id"),
    "post_release": Row(Scope.CALLS_AUTHORIZE, SOURCE, "authorization_id"),
    "post_settle": Row(Scope.CALLS_AUTHORIZE, SOURCE, "authorization_id"),
    **{
        name: Row(Scope.CDRS_WRITE, SOURCE)
        for name in NAMES
        if name.startswith("ingest_")
    },
}
OPERATIONS = pytest.mark.parametrize("name", sorted(NAMES))
FOR_SWITCHES = sorted(name for name, row in ROWS.items() if row.whose == SOURCE)
OF_SOMEBODY = sorted(
    name for name, row in ROWS.items() if row.parameter or row.whose == EITHER
)
pytestmark = pytest.mark.usefixtures("card")


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    forget_everything()


@pytest.fixture
def ours(formosa: Organisation, pbx: Source) -> dict[str, str]:
    """An object of Formosa's, and of its switch, for each parameter."""
    now = timezone.now()
    endpoint = WebhookEndpoint.objects.create(
        organisation=formosa,
        url="https://hooks.formosa.example/",
        secret="x",
        created_at=now,
    )
    event = WebhookEvent.objects.create(
        public_id=f"evt_{uuid4().hex}",
        organisation=formosa,
        type="webhook.test",
        reference="1",
        data={},
        created_at=now,
    )
    hold = makers.make_hold(formosa, "1", at=now, source_id=pbx.pk)
    return {
        "endpoint_id": f"we_{endpoint.pk}",
        "event_id": event.public_id,
        "authorization_id": f"auth_{hold.pk}",
        "month": "2026-10",
    }


def switch_key(source: Source | None, *scopes: Scope) -> str:
    """A key of the provider; with a source it is that one's."""
    key, secret = create_key(
        "switch", organisation=None, scopes=scopes, at=timezone.now()
    )
    if source is not None:
        Source.objects.filter(pk=source.pk).update(api_key=key)
    forget_everything()
    return secret


def send(name: str, secret: str, ours: dict[str, str], **headers: str) -> Answer:
    """The operation's example, for the object of its parameter."""
    method, path = NAMES[name]
    body = examples()[name].get("request")
    headers.setdefault("Idempotency-Key", uuid4().hex)
    return ask(method, path.format(**ours) + ROWS[name].query, secret, body, **headers)


def code_of(answer: Answer) -> tuple[int, str]:
    if answer.status_code < 400:
        return answer.status_code, ""
    assert answer["Content-Type"] == "application/problem+json", answer.content
    return answer.status_code, answer.json()["code"]


def assert_let_in(answer: Answer) -> None:
    """Whatever it says, it does not say that the key may not."""
    assert answer.status_code not in {401, 403, 404, 405, 415, 429, 500}, answer.content


def test_every_operation_has_a_row() -> None:
    assert set(ROWS) == set(NAMES)
    assert set(examples()) == set(NAMES)


@OPERATIONS
def test_without_a_key_nothing_is_told(ours: dict[str, str], name: str) -> None:
    for secret in ("", "tg_test_" + "a" * 51):
        assert code_of(send(name, secret, ours)) == (401, "key_not_valid")


@OPERATIONS
def test_a_customers_key_does_what_its_scope_says(
    formosa: Organisation, ours: dict[str, str], name: str
) -> None:
    row = ROWS[name]
    for scope in Scope:
        if scope.is_for_provider_only:
            continue
        answer = send(name, key_of(formosa, scope), ours)
        if scope == row.scope:
            assert_let_in(answer)
        else:
            assert code_of(answer) == (403, "scope_missing"), scope


@OPERATIONS
def test_the_providers_key_does_what_its_scope_says(
    formosa: Organisation, pbx: Source, ours: dict[str, str], name: str
) -> None:
    row = ROWS[name]
    named = {"X-Organization": formosa.slug}
    for scope in Scope:
        answer = send(name, switch_key(pbx, scope), ours, **named)
        if scope != row.scope:
            assert code_of(answer) == (403, "scope_missing"), scope
        elif row.whose == OWN:
            assert code_of(answer) == (403, "own_key_only")
        else:
            assert_let_in(answer)


@OPERATIONS
def test_the_providers_key_says_for_whom(
    formosa: Organisation, pbx: Source, ours: dict[str, str], name: str
) -> None:
    row = ROWS[name]
    secret = switch_key(None, row.scope)
    if row.whose == SOURCE:
        assert code_of(send(name, secret, ours)) == (403, "key_has_no_source")
    elif row.whose == EITHER:
        assert code_of(send(name, secret, ours)) == (422, "organisation_not_named")
        nobody = {"X-Organization": "nobody"}
        assert code_of(send(name, secret, ours, **nobody)) == (404, "not_found")


@pytest.mark.parametrize("name", OF_SOMEBODY)
def test_what_belongs_to_others_is_not_there(
    formosa: Organisation, contoso: Organisation, ours: dict[str, str], name: str
) -> None:
    row = ROWS[name]
    headers = {"X-Organization": formosa.slug} if row.whose == EITHER else {}
    if row.whose == SOURCE:
        secret = switch_key(make_source("other"), row.scope)
    else:
        secret = key_of(contoso, row.scope)
    assert code_of(send(name, secret, ours, **headers)) == (404, "not_found")


@pytest.mark.parametrize("name", FOR_SWITCHES)
def test_a_customers_key_never_speaks_for_a_switch(
    formosa: Organisation, pbx: Source, ours: dict[str, str], name: str
) -> None:
    """Not even one that got the scope past our checks."""
    key, secret = create_key(
        "forged", organisation=formosa, scopes=[Scope.RATES_READ], at=timezone.now()
    )
    key.scopes = [scope.value for scope in Scope]
    key.save()
    Source.objects.filter(pk=pbx.pk).update(api_key=key)
    assert code_of(send(name, secret, ours)) == (403, "scope_missing")

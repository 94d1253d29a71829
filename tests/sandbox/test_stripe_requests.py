"""Who may ask, what may be asked, and how what is wrong is said."""

import subprocess
import sys
import threading
from base64 import b64encode
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import stripe

from sandbox.stripe import errors
from sandbox.stripe.answer import ROUTES
from sandbox.stripe.control import ACTS
from sandbox.stripe.errors import Refusal
from sandbox.stripe.form import parse_form
from sandbox.stripe.params import TAKES
from tests.sandbox.clicks import open_session
from tests.stripe_sandbox import ROOT, TEST_KEY, StripeSandbox, running_stripe

pytestmark = pytest.mark.usefixtures("stripe_sandbox")


def ask(
    sandbox: StripeSandbox,
    method: str,
    path: str,
    body: str = "",
    **headers: str,
) -> tuple[int, str, dict[str, str]]:
    parts = urlsplit(sandbox.url)
    connection = HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    try:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), dict(answer.getheaders())
    finally:
        connection.close()


# --- keys and addresses ---------------------------------------------------------------


@pytest.mark.parametrize(
    "key", ["", "pk_test_" + "x" * 24, "rk_test_" + "x" * 24, "no"]
)
def test_a_key_that_is_not_a_secret_test_key_is_refused(
    stripe_sandbox: StripeSandbox, key: str
) -> None:
    status, body, _ = ask(
        stripe_sandbox, "GET", "/v1/account", Authorization=f"Bearer {key}"
    )
    assert (status, "invalid_request_error" in body) == (401, True)


def test_a_live_key_is_refused_by_name() -> None:
    with pytest.raises(stripe.AuthenticationError, match="refuses sk_live_ keys"):
        stripe.Account.retrieve(api_key="sk_live_" + "x" * 10)


def test_basic_authentication_works_as_at_stripe(stripe_sandbox: StripeSandbox) -> None:
    basic = b64encode(f"{TEST_KEY}:".encode()).decode()
    status, _, headers = ask(
        stripe_sandbox, "GET", "/v1/account", Authorization=f"Basic {basic}"
    )
    assert status == 200
    assert headers["Sandbox-Stripe"] == "1"
    assert headers["Request-Id"].startswith("req_")


def test_header_names_may_be_written_small(stripe_sandbox: StripeSandbox) -> None:
    status, _, _ = ask(
        stripe_sandbox, "GET", "/v1/account", authorization=f"Bearer {TEST_KEY}"
    )
    assert status == 200


def test_another_address_than_loopback_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sandbox.stripe", "--port", "0", "--file"]
    tried = subprocess.run(
        [*command, str(tmp_path / "x"), "--host", "0.0.0.0"],  # noqa: S104  # refused
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tried.returncode == 2
    assert "listens on 127.0.0.1 only" in tried.stderr


def test_another_api_version_is_refused() -> None:
    with pytest.raises(stripe.InvalidRequestError, match=r"2026-08-26\.dahlia only"):
        stripe.Account.retrieve(stripe_version="2024-06-20")


def test_another_account_is_refused() -> None:
    own = stripe.Account.retrieve().id
    assert stripe.Customer.list(stripe_account=own).data == []
    with pytest.raises(stripe.PermissionError):
        stripe.Customer.list(stripe_account="acct_other")


def test_an_unknown_address_is_refused(stripe_sandbox: StripeSandbox) -> None:
    status, body, _ = ask(
        stripe_sandbox, "GET", "/v1/unicorns", Authorization=f"Bearer {TEST_KEY}"
    )
    assert (status, "Unrecognized request URL (GET: /v1/unicorns)" in body) == (
        404,
        True,
    )


# --- parameters -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "code", "param"),
    [
        (
            {"amount": 100, "currency": "usd", "colour": "red"},
            "parameter_unknown",
            "colour",
        ),
        ({"amount": 100}, "parameter_missing", "currency"),
        ({"amount": "much", "currency": "usd"}, "parameter_invalid_integer", "amount"),
        ({"amount": 100, "currency": ""}, "parameter_invalid_empty", "currency"),
        ({"amount": 100, "currency": "xxx"}, None, "currency"),
        ({"amount": 49, "currency": "usd"}, "amount_too_small", "amount"),
        ({"amount": 10**8, "currency": "usd"}, "amount_too_large", "amount"),
        ({"amount": 1234, "currency": "kwd"}, None, "amount"),
        ({"amount": 100, "currency": "usd", "confirm": "yes"}, None, "confirm"),
        (
            {"amount": 100, "currency": "usd", "customer": "cus_none"},
            "resource_missing",
            "customer",
        ),
        (
            {"amount": 100, "currency": "usd", "payment_method_types": ["cash"]},
            None,
            "payment_method_types[0]",
        ),
        (
            {"amount": 100, "currency": "usd", "metadata": {"k": "v" * 501}},
            None,
            "metadata[k]",
        ),
        ({"amount": 100, "currency": "usd", "off_session": True}, None, "off_session"),
    ],
)
def test_a_parameter_that_stripe_refuses_is_refused(
    wanted: Any, code: str | None, param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        stripe.PaymentIntent.create(**wanted)
    assert (refused.value.code, refused.value.param) == (code, param)
    assert stripe.PaymentIntent.list().data == []


def test_an_unknown_parameter_deep_inside_is_named_in_full() -> None:
    item = {
        "price_data": {
            "currency": "usd",
            "product_data": {"name": "Credits", "colour": "red"},
            "unit_amount": 500,
        },
        "quantity": 1,
    }
    with pytest.raises(stripe.InvalidRequestError) as refused:
        open_session(line_items=[item])
    param = "line_items[0][price_data][product_data][colour]"
    assert (refused.value.code, refused.value.param) == ("parameter_unknown", param)
    assert f"Received unknown parameter: {param}" in str(refused.value)


def test_an_unknown_id_is_not_found() -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        stripe.Customer.retrieve("cus_none")
    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")
    assert "No such customer: 'cus_none'" in str(refused.value)


def test_brackets_nest_and_number() -> None:
    text = "a[b][]=1&a[b][]=2&c[0][d]=3&c[1][d]=4&e[][f]=5&e[][g]=6&e[][f]=7&h=%20"
    assert parse_form(text) == {
        "a": {"b": {"0": "1", "1": "2"}},
        "c": {"0": {"d": "3"}, "1": {"d": "4"}},
        "e": {"0": {"f": "5", "g": "6"}, "1": {"f": "7"}},
        "h": " ",
    }


@pytest.mark.parametrize("text", ["a[b=1", "[a]=1", "a=1&a[b]=2", "a[b]=1&a=2"])
def test_brackets_that_contradict_are_refused(text: str) -> None:
    with pytest.raises(Refusal):
        parse_form(text)


def test_every_route_says_what_it_takes() -> None:
    assert TAKES.keys() == ROUTES.keys() | ACTS.keys()


def test_every_refusal_of_the_table_is_said_somewhere() -> None:
    code = "".join(
        path.read_text("utf-8") for path in Path(errors.__file__).parent.glob("*.py")
    )
    assert [name for name in errors.TABLE if f'"{name}"' not in code] == []


# --- lists and expansion --------------------------------------------------------------


def test_lists_are_pages_newest_first() -> None:
    made = [stripe.Customer.create(name=str(n)).id for n in range(5)][::-1]
    page = stripe.Customer.list(limit=2)
    assert ([one.id for one in page.data], page.has_more) == (made[:2], True)
    rest = stripe.Customer.list(limit=5, starting_after=made[1])
    assert ([one.id for one in rest.data], rest.has_more) == (made[2:], False)
    back = stripe.Customer.list(limit=1, ending_before=made[2])
    assert ([one.id for one in back.data], back.has_more) == ([made[1]], True)
    everyone = stripe.Customer.list(limit=2).auto_paging_iter()
    assert [one.id for one in everyone] == made
    with pytest.raises(stripe.InvalidRequestError):
        stripe.Customer.list(limit=101)


def test_lists_are_bounded_by_time(stripe_sandbox: StripeSandbox) -> None:
    stripe_sandbox.clock(1_800_000_000)
    early = stripe.Customer.create(name="early")
    stripe_sandbox.clock(1_800_001_000)
    late = stripe.Customer.create(name="late")
    after = stripe.Customer.list(created={"gte": 1_800_000_900}).data
    before = stripe.Customer.list(created={"lt": 1_800_000_900}).data
    assert ([one.id for one in after], [one.id for one in before]) == (
        [late.id],
        [early.id],
    )


def test_expansion_goes_four_levels_deep() -> None:
    customer = stripe.Customer.create(email="alice@formosa.example")
    method = stripe.PaymentMethod.attach("pm_card_visa", customer=customer.id)
    intent = stripe.PaymentIntent.create(
        amount=1000,
        currency="usd",
        customer=customer.id,
        payment_method=method.id,
        payment_method_types=["card"],
        confirm=True,
        expand=["latest_charge.balance_transaction", "payment_method.customer"],
    )
    charge: Any = intent.latest_charge
    assert charge.balance_transaction.net == 1000 - 59
    owner: Any = intent.payment_method
    assert owner.customer.email == "alice@formosa.example"
    listed = stripe.PaymentIntent.list(
        expand=["data.latest_charge.balance_transaction.source"]
    )
    deep: Any = listed.data[0].latest_charge
    assert deep.balance_transaction.source.id == charge.id


@pytest.mark.parametrize("path", ["colour", "customer.colour", "data.customer"])
def test_an_unknown_expansion_is_refused(path: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        stripe.PaymentIntent.create(amount=100, currency="usd", expand=[path])
    assert stripe.PaymentIntent.list().data == []


def test_five_levels_are_too_deep() -> None:
    deep = "latest_charge.payment_intent.latest_charge.payment_intent.customer"
    with pytest.raises(stripe.InvalidRequestError, match="more than 4 levels"):
        stripe.PaymentIntent.create(amount=100, currency="usd", expand=[deep])


# --- the process ----------------------------------------------------------------------


def test_many_at_once_are_served_one_by_one() -> None:
    def create() -> None:
        stripe.Customer.create(name="one of many")

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(stripe.Customer.list(limit=100).data) == 8


def test_what_was_made_survives_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_stripe(tmp_path, "--seed", "7") as first:
        monkeypatch.setattr(stripe, "api_base", first.url)
        made = stripe.Customer.create(name="kept").id
    with running_stripe(tmp_path, "--seed", "7", "--merchant", "Formosa") as second:
        monkeypatch.setattr(stripe, "api_base", second.url)
        assert stripe.Customer.retrieve(made).name == "kept"
        assert stripe.Customer.create(name="new").id != made
        account: Any = stripe.Account.retrieve()
        assert account.settings.dashboard.display_name == "Formosa"

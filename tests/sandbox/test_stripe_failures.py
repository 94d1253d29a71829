"""Requests that go wrong on request: what was done, and what the same key finds."""

from pathlib import Path
from typing import Any

import pytest
import stripe

from sandbox.stripe.failures import FOR_DELIVERIES, FOR_REQUESTS
from tests.stripe_sandbox import TEST_KEY, StripeSandbox

pytestmark = pytest.mark.usefixtures("stripe_sandbox")

PATH = "/v1/payment_intents"


def pay(
    sandbox: StripeSandbox, key: str = "recharge:1:1", retries: int = 0
) -> stripe.PaymentIntent:
    client = stripe.StripeClient(
        TEST_KEY,
        base_addresses={"api": sandbox.url},
        http_client=stripe.RequestsClient(timeout=0.4),
        max_network_retries=retries,
    )
    wanted: Any = {
        "amount": 2000,
        "confirm": True,
        "currency": "usd",
        "payment_method": "pm_card_visa",
        "payment_method_types": ["card"],
    }
    return client.v1.payment_intents.create(wanted, {"idempotency_key": key})


def charges() -> int:
    return len(stripe.Charge.list().data)


@pytest.mark.parametrize("kind", ["timeout_after_charge", "connection_reset_after"])
def test_an_answer_lost_after_the_charge_is_found_by_the_same_key(
    stripe_sandbox: StripeSandbox, kind: str
) -> None:
    stripe_sandbox.fail(kind, PATH)
    with pytest.raises(stripe.APIConnectionError):
        pay(stripe_sandbox)
    (made,) = stripe.Charge.list().data
    found = pay(stripe_sandbox)
    assert (found.status, found.latest_charge) == ("succeeded", made.id)
    assert charges() == 1


def test_the_library_finds_a_lost_answer_by_itself(
    stripe_sandbox: StripeSandbox,
) -> None:
    stripe_sandbox.fail("timeout_after_charge", PATH)
    assert pay(stripe_sandbox, retries=1).status == "succeeded"
    assert charges() == 1


@pytest.mark.parametrize("kind", ["timeout_before", "connection_reset"])
def test_a_request_lost_on_the_way_did_nothing(
    stripe_sandbox: StripeSandbox, kind: str
) -> None:
    stripe_sandbox.fail(kind, PATH)
    with pytest.raises(stripe.APIConnectionError):
        pay(stripe_sandbox)
    assert charges() == 0
    assert pay(stripe_sandbox).status == "succeeded"
    assert charges() == 1


def test_an_error_before_the_work_leaves_the_key_free(
    stripe_sandbox: StripeSandbox,
) -> None:
    stripe_sandbox.fail("http_500", PATH)
    with pytest.raises(stripe.APIError) as refused:
        pay(stripe_sandbox)
    assert refused.value.http_status == 500
    assert charges() == 0
    assert pay(stripe_sandbox).status == "succeeded"


def test_an_error_after_the_work_is_kept_like_any_answer(
    stripe_sandbox: StripeSandbox,
) -> None:
    stripe_sandbox.fail("http_500_after", PATH)
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            pay(stripe_sandbox)
    assert charges() == 1


def test_too_many_requests_are_refused(stripe_sandbox: StripeSandbox) -> None:
    stripe_sandbox.fail("http_429", PATH)
    with pytest.raises(stripe.RateLimitError):
        pay(stripe_sandbox)
    assert pay(stripe_sandbox).status == "succeeded"


def test_a_failure_meets_its_method_path_and_number_of_times(
    stripe_sandbox: StripeSandbox,
) -> None:
    stripe_sandbox.fail("http_500", r"/v1/customers/cus_\w+$", times=2, method="GET")
    customer = stripe.Customer.create().id
    assert stripe.Customer.list().data[0].id == customer
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            stripe.Customer.retrieve(customer)
    assert stripe.Customer.retrieve(customer).id == customer


def test_an_unknown_failure_is_refused(stripe_sandbox: StripeSandbox) -> None:
    with pytest.raises(AssertionError, match="Ask at least once for one of"):
        stripe_sandbox.fail("earthquake")
    with pytest.raises(AssertionError, match="Ask at least once for one of"):
        stripe_sandbox.fail("http_500", times=0)
    with pytest.raises(AssertionError, match="cannot be read"):
        stripe_sandbox.fail("http_500", "(")


def test_emptying_forgets_everything(stripe_sandbox: StripeSandbox) -> None:
    stripe_sandbox.fail("http_500", PATH)
    stripe_sandbox.clock(1_800_000_000)
    stripe.Customer.create(idempotency_key="customer:1")
    stripe_sandbox.empty()
    assert pay(stripe_sandbox).status == "succeeded"
    assert stripe.Customer.list().data == []
    made = stripe.Customer.create(name="new", idempotency_key="customer:1")
    assert made.created != 1_800_000_000


def test_every_failure_is_used_by_a_test() -> None:
    tests = "".join(
        path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py")
    )
    kinds = FOR_REQUESTS + FOR_DELIVERIES
    assert [kind for kind in kinds if f'"{kind}"' not in tests] == []

"""The same order sent at the same moment, over and over (rule 4.5)."""

from collections import Counter

import pytest

from accounts.models import IdempotencyKey, Scope
from billing.models import TopUp
from tests.api_client import Answer, ask, key_of
from tests.billing.buying import Buyer
from tests.billing.test_top_up_races import at_once

ORDER = {"amount": "100.00", "currency": "USD"}


@pytest.mark.django_db(transaction=True)
def test_b1_one_of_many_at_once_is_carried_out(buyer: Buyer) -> None:
    buyer.start("50")  # the customer exists at Stripe from now on
    secret = key_of(buyer.organisation, Scope.FUNDS_WRITE)
    answers: list[Answer] = []

    def order() -> None:
        headers = {"Idempotency-Key": "po-1"}
        answers.append(ask("POST", "/top-ups", secret, ORDER, **headers))

    at_once([order] * 6)
    told = Counter(
        answer.json().get("code", answer.headers.get("Idempotent-Replayed", "first"))
        for answer in answers
    )
    assert told["first"] == 1
    assert set(told) <= {"first", "true", "idempotency_key_in_use"}
    assert TopUp.objects.filter(client_key="api:po-1").count() == 1
    assert IdempotencyKey.objects.get().status == 201
    order()
    assert answers[-1].headers["Idempotent-Replayed"] == "true"


@pytest.mark.django_db(transaction=True)
def test_b1_two_orders_under_one_key_make_one_sale(buyer: Buyer) -> None:
    buyer.start("50")
    secret = key_of(buyer.organisation, Scope.FUNDS_WRITE)
    answers: list[Answer] = []

    def order(amount: str) -> None:
        body, headers = {**ORDER, "amount": amount}, {"Idempotency-Key": "po-1"}
        answers.append(ask("POST", "/top-ups", secret, body, **headers))

    at_once([lambda: order("100.00"), lambda: order("200.00")])
    assert sorted(answer.status_code for answer in answers) == [201, 422]
    [refused] = [answer for answer in answers if answer.status_code == 422]
    assert refused.json()["code"] == "idempotency_key_reused"
    assert TopUp.objects.filter(client_key="api:po-1").count() == 1

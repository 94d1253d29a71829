"""Auto-recharge by key: read, set with a named person's consent, switched off."""

import json
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts.models import Organisation, Role, Scope, User
from billing.models import AutoRecharge, Consent, PaymentMethod
from tests import makers
from tests.billing.recharging import make_card, switch_on
from tests.billing.test_api import Answer, assert_problem, key_of

NOW = timezone.now()
PATH = "/api/v1/auto-recharge"


def ask(method: str, secret: str, body: Any = None) -> Answer:
    return Client().generic(
        method,
        PATH,
        json.dumps(body) if body is not None else "",
        content_type="application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )


@pytest.fixture
def card(formosa: Organisation) -> PaymentMethod:
    cache.clear()
    makers.make_terms("USD")
    makers.make_lot(formosa, "500", at=NOW)
    return make_card(formosa, at=NOW, is_default=True)


@pytest.fixture
def secret(formosa: Organisation) -> str:
    return key_of(formosa, Scope.BALANCE_READ, Scope.FUNDS_WRITE)


def wanted(card: PaymentMethod, **changed: Any) -> dict[str, Any]:
    consent = {
        "accepted": True,
        "text_version": "1",
        "given_by": "Alice@formosa.example",
    }
    return {
        "currency": "USD",
        "trigger": "100.00",
        "amount": "200",
        "monthly_limit": "400",
        "payment_method": f"card_{card.pk}",
        "consent": consent | changed.pop("consent", {}),
        **changed,
    }


def problems(answer: Answer) -> dict[str, str]:
    body = assert_problem(answer, 422, "not_valid")
    return {one["pointer"]: one["detail"] for one in body["errors"]}


def test_off_it_says_so_and_which_cards_there_are(
    card: PaymentMethod, secret: str
) -> None:
    said = ask("GET", secret).json()
    assert (said["state"], said["settings"]) == ("off", None)
    assert said["payment_methods"] == [
        {
            "id": f"card_{card.pk}",
            "brand": "visa",
            "last_four": card.last_four,
            "expires": "2040-12",
            "is_default": True,
            "may_be_charged": True,
        }
    ]


def test_it_is_set_with_the_consent_of_a_named_person(
    card: PaymentMethod, secret: str, alice: User
) -> None:
    answer = ask("PUT", secret, wanted(card))
    assert answer.status_code == 200
    said = answer.json()
    assert said["state"] == "armed"
    assert said["settings"]["amount"] == {"amount": "200.000000", "currency": "USD"}
    assert said["settings"]["consent"]["given_by"] == alice.email
    consent = Consent.objects.get()
    assert (consent.user, consent.text_version) == (alice, "1")
    assert consent.text == said["settings"]["consent"]["text"]
    # Sent again it is the same: nothing new is agreed to.
    assert ask("PUT", secret, wanted(card)).status_code == 200
    assert ask("GET", secret).json() == said
    assert (Consent.objects.count(), AutoRecharge.objects.count()) == (1, 1)


def test_b30_without_consent_the_refusal_carries_the_text(
    card: PaymentMethod, secret: str
) -> None:
    found = problems(ask("PUT", secret, wanted(card, consent={"accepted": False})))
    assert "is charged US$200.00" in found["/consent"]
    assert not AutoRecharge.objects.exists()
    body = wanted(card)
    del body["consent"]
    assert ask("PUT", secret, body).status_code == 422


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"consent": {"text_version": "0"}}, "/text_version"),
        ({"consent": {"given_by": "bob@formosa.example"}}, "/given_by"),
        ({"consent": {"given_by": "charlie@contoso.example"}}, "/given_by"),
        ({"currency": "EUR"}, "/currency"),
        ({"payment_method": "card_999999"}, "/payment_method"),
        ({"trigger": "2000"}, "/trigger"),
        ({"monthly_limit": "100"}, "/monthly_limit"),
        ({"amount": "1"}, "/amount"),
    ],
)
def test_b25_what_contradicts_is_refused_at_its_field(
    card: PaymentMethod,
    secret: str,
    contoso: Organisation,
    changed: dict[str, Any],
    pointer: str,
) -> None:
    assert pointer in problems(ask("PUT", secret, wanted(card, **changed)))
    assert not AutoRecharge.objects.exists()


def test_it_is_switched_off_and_that_twice(
    card: PaymentMethod, secret: str, formosa: Organisation
) -> None:
    switch_on(formosa, card, at=NOW)
    for _ in range(2):
        assert ask("DELETE", secret).json()["state"] == "off"
    assert not AutoRecharge.objects.exists()


def test_scopes_and_the_providers_own_key_are_told_apart(
    card: PaymentMethod, formosa: Organisation
) -> None:
    reads = key_of(formosa, Scope.BALANCE_READ)
    assert ask("GET", reads).status_code == 200
    assert_problem(ask("PUT", reads, wanted(card)), 403, "scope_missing")
    assert_problem(ask("DELETE", reads), 403, "scope_missing")
    writes = key_of(formosa, Scope.FUNDS_WRITE)
    assert_problem(ask("GET", writes), 403, "scope_missing")
    providers = key_of(None, Scope.FUNDS_WRITE)
    assert_problem(ask("PUT", providers, wanted(card)), 403, "own_key_only")
    assert not AutoRecharge.objects.exists()


def test_another_organisations_card_is_not_charged(
    card: PaymentMethod, secret: str
) -> None:
    other = makers.make_organisation("Second Trading")
    makers.make_member(other, makers.make_user(), Role.OWNER)
    theirs = make_card(other, at=NOW)
    assert "/payment_method" in problems(ask("PUT", secret, wanted(theirs)))


def test_nce_is_refused_with_the_sentence_of_the_rule(contoso: Organisation) -> None:
    cache.clear()
    card = make_card(contoso, at=NOW)
    secret = key_of(contoso, Scope.BALANCE_READ, Scope.FUNDS_WRITE)
    for method in ("GET", "PUT", "DELETE"):
        body = wanted(card) if method == "PUT" else None
        assert_problem(ask(method, secret, body), 409, "credits_not_for_sale")
    assert not AutoRecharge.objects.exists()

"""Who sees which page: by role, organisation and billing mode (rules 1.3 and 2.1)."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts.models import Organisation, Role, User
from billing.models import TopUp, TopUpState
from credits.models import Lot, LotKind
from credits.models.prepaid_only import NOT_FOR_SALE, NOT_FOR_SALE_SENTENCE
from tests import makers

PAGES = ["overview", "credits", "usage"]
DOWNLOADS = ["activity_csv", "calls_csv"]
PURCHASE = ["add_funds", "review_funds"]
KEY = "6b0f3b0e-6f77-4c4e-9a53-4f54e7c0a111"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.parametrize("name", [*PAGES, *DOWNLOADS, *PURCHASE])
def test_strangers_are_asked_to_sign_in(db: None, name: str) -> None:
    answer = Client().get(reverse(name))
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("name", [*PAGES, *PURCHASE])
def test_a_user_without_organisation_opens_one_first(db: None, name: str) -> None:
    answer = signed_in(makers.make_user()).get(reverse(name))
    assert answer.status_code == 302
    assert answer["Location"] == reverse("open_organisation")


@pytest.mark.parametrize("name", [*PAGES, *DOWNLOADS])
@pytest.mark.parametrize("role", list(Role))
def test_every_role_reads(formosa: Organisation, name: str, role: Role) -> None:
    user = makers.make_user()
    makers.make_member(formosa, user, role)
    assert signed_in(user).get(reverse(name)).status_code == 200


@pytest.mark.parametrize("role", [Role.OWNER, Role.BILLING_ADMIN])
def test_those_who_buy_find_the_button(formosa: Organisation, role: Role) -> None:
    makers.make_terms()
    user = makers.make_user()
    makers.make_member(formosa, user, role)
    client = signed_in(user)
    assert reverse("add_funds") in client.get(reverse("credits")).text
    assert client.get(reverse("add_funds")).status_code == 200


@pytest.mark.parametrize("role", [Role.VIEWER, Role.DEVELOPER])
def test_those_who_may_not_buy_find_no_button_and_a_sentence_who_may(
    formosa: Organisation, role: Role
) -> None:
    makers.make_terms()
    user = makers.make_user()
    makers.make_member(formosa, user, role)
    client = signed_in(user)
    for page in PAGES:
        assert reverse("add_funds") not in client.get(reverse(page)).text
    for name in PURCHASE:
        for answer in (client.get(reverse(name)), client.post(reverse(name))):
            assert answer.status_code == 403
            assert "Alice · Owner" in answer.text
    assert not TopUp.objects.exists()


def test_another_organisations_purchase_is_not_found(
    formosa: Organisation, charlie: User, contoso: Organisation
) -> None:
    theirs = makers.make_top_up(formosa, state=TopUpState.PAID)
    answer = signed_in(charlie).get(theirs.get_absolute_url())
    assert answer.status_code == 404
    assert "Formosa" not in answer.text


def test_pages_are_about_the_organisation_that_was_chosen(
    formosa: Organisation, alice: User
) -> None:
    other = makers.make_organisation("Second Trading")
    makers.make_member(other, alice, Role.VIEWER)
    client = signed_in(alice)
    assert "<b>Formosa Tea Trading</b>" in client.get(reverse("overview")).text
    client.post(reverse("choose_organisation"), {"organisation": other.pk})
    assert "<b>Second Trading</b>" in client.get(reverse("overview")).text


def test_nobody_chooses_an_organisation_of_others(
    formosa: Organisation, charlie: User, contoso: Organisation
) -> None:
    client = signed_in(charlie)
    chosen = {"organisation": formosa.pk}
    assert client.post(reverse("choose_organisation"), chosen).status_code == 404
    assert "Formosa" not in client.get(reverse("overview")).text


# --- billed after use -------------------------------------------------------------


def test_nce_pages_say_how_they_are_billed_and_lead_to_no_purchase(
    charlie: User, contoso: Organisation
) -> None:
    makers.make_terms()
    client = signed_in(charlie)
    for name in [*PAGES, "help"]:
        text = client.get(reverse(name)).text
        assert not re.search(r'(href|action)="/credits/add/', text)
    assert "You are billed each month after use." in client.get("/credits/").text


@pytest.mark.parametrize("name", PURCHASE)
@pytest.mark.parametrize("language", ["en", "zh-hant"])
def test_purchase_pages_answer_nce_with_the_sentence_of_the_rule(
    charlie: User, contoso: Organisation, name: str, language: str
) -> None:
    makers.make_terms()
    charlie.language = language
    charlie.save()
    client = signed_in(charlie)
    order = {"amount": "100", "key": KEY, "purchase_order": ""}
    with translation.override(language):
        sentence = str(NOT_FOR_SALE_SENTENCE)
    for answer in (client.get(reverse(name), order), client.post(reverse(name), order)):
        assert answer.status_code == 409
        assert sentence in answer.text
        assert f'data-code="{NOT_FOR_SALE}"' in answer.text
    assert not TopUp.objects.exists()
    assert not Lot.objects.exists()


def test_nce_organisation_sees_what_is_left_of_its_credits(
    charlie: User, contoso: Organisation
) -> None:
    contoso.billing_mode = "PREPAID"
    contoso.save()
    makers.make_lot(contoso, "40", kind=LotKind.PROMOTIONAL, months=24)
    contoso.billing_mode = "NCE"
    contoso.save()
    text = signed_in(charlie).get(reverse("credits")).text
    assert "What is left of your credits, US$40.00, is spent first." in text

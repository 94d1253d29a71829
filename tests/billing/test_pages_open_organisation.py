"""The page after sign-up (rule 1.2)."""

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import Membership, Organisation, Role, User
from billing.places import country_choices, zone_choices
from tests import makers
from tests.billing.test_pages_access import signed_in
from tests.calling.telephony import make_card
from tests.makers import START

GOOD: dict[str, Any] = {
    "name": "福爾摩沙茶業 Formosa",
    "country": "TW",
    "currency": "USD",
    "time_zone": "Asia/Taipei",
    "billing_email": "billing@formosa.example",
    "address": "7 Dihua Street\nTaipei 103",
    "tax_id": "22099131",
    "terms": "on",
}


@pytest.fixture
def newcomer(db: None) -> User:
    return makers.make_user("nina@formosa.example")


@pytest.fixture
def client(newcomer: User) -> Client:
    """Dollars are sold and priced, euros are sold only."""
    makers.make_terms("USD")
    makers.make_terms("EUR")
    make_card([{"prefix": "1"}])
    return signed_in(newcomer)


def test_a_newcomer_opens_an_organisation_and_owns_it(
    client: Client, newcomer: User
) -> None:
    answer = client.post("/open/", GOOD, follow=True)
    organisation = Organisation.objects.get()
    assert answer.redirect_chain == [("/credits/", 302)]
    assert "福爾摩沙茶業 Formosa is open." in answer.text
    assert Membership.objects.get(user=newcomer).role == Role.OWNER
    assert (organisation.currency, organisation.tax_id) == ("USD", "22099131")
    assert organisation.address.splitlines() == ["7 Dihua Street", "Taipei 103"]
    assert organisation.wallet.currency == "USD"
    assert organisation.terms_version == "1"


def test_only_currencies_that_are_sold_and_priced_are_offered(client: Client) -> None:
    text = client.get("/open/").text
    assert re.findall(r'<option value="(USD|EUR|TWD)"', text) == ["USD"]
    assert "it cannot be changed later" in text
    answer = client.post("/open/", {**GOOD, "currency": "EUR"})
    assert answer.status_code == 422
    assert not Organisation.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": ""}, "This field is required."),
        ({"terms": ""}, "This field is required."),
        ({"tax_id": "22099132"}, "has eight digits"),
        ({"country": "DE"}, "begins with DE"),
        ({"country": "XX"}, "Select a valid choice."),
        ({"time_zone": "Asia/Nowhere"}, "Select a valid choice."),
        ({"billing_email": "nobody"}, "Enter a valid email address."),
    ],
)
def test_what_is_wrong_is_said_and_what_was_right_is_kept(
    client: Client, wrong: dict[str, str], sentence: str
) -> None:
    answer = client.post("/open/", {**GOOD, **wrong})
    [field] = {"tax_id"} if wrong == {"country": "DE"} else set(wrong)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert f'href="#id_{field}"' in answer.text
    assert "Asia/Taipei" in answer.text
    assert not Organisation.objects.exists()


def test_where_nothing_is_sold_the_page_says_so(newcomer: User) -> None:
    answer = signed_in(newcomer).get("/open/")
    assert answer.status_code == 200
    assert "Nothing is sold here yet." in answer.text
    assert "<select" not in answer.text


def test_staff_who_land_here_are_led_to_their_own_pages(client: Client) -> None:
    assert 'href="/admin/"' not in client.get("/open/").text
    staff = makers.make_user("sam@provider.example", is_staff=True)
    assert 'href="/admin/"' in signed_in(staff).get("/open/").text


def test_the_organisation_speaks_the_language_it_was_opened_in(
    client: Client, newcomer: User
) -> None:
    newcomer.language = "zh-hant"
    newcomer.save()
    client.post("/open/", GOOD)
    assert Organisation.objects.get().language == "zh-hant"


def test_places_are_many_named_and_real() -> None:
    names = dict(country_choices())
    assert names["TW"] == "Taiwan"
    assert len(names) > 200
    zones = dict(zone_choices(START))
    assert zones["Asia/Taipei"] == "Taiwan · Taipei (UTC+8)"
    assert len(zones) > 300

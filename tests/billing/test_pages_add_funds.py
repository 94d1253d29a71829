"""The form, the review page and what happens to an order (rules 4.1, 4.2 and 4.5)."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, Organisation, User
from billing.models import AutoRecharge, TopUp
from tests import makers
from tests.billing.buying import Buyer, assert_nothing_issued
from tests.billing.saving_cards import save_card
from tests.billing.test_pages_access import KEY, signed_in
from tests.sandbox.clicks import visit
from tests.stripe_sandbox import StripeSandbox

FORM, REVIEW = "/credits/add/", "/credits/add/review/"


@pytest.fixture
def client(alice: User, formosa: Organisation) -> Client:
    cache.clear()  # orders are counted, and another test may have placed some
    return signed_in(alice)


@pytest.fixture
def buyers_client(client: Client) -> Client:
    """Dollars are sold; tests that pay get that from `buyer`."""
    makers.make_terms("USD")
    return client


def fill(client: Client, amount: str = "", **more: str) -> HttpResponse:
    order = {"amount": amount, "key": KEY, "purchase_order": "", **more}
    return client.post(FORM, order)  # type: ignore[return-value]


def order_of(answer: HttpResponse) -> dict[str, str]:
    """What the review page's address carries."""
    query = urlsplit(answer["Location"]).query
    return {name: values[0] for name, values in parse_qs(query).items()}


@pytest.mark.parametrize(
    ("typed", "amount"),
    [("1,000", "1000"), ("１０００", "1000"), (" 50 ", "50"), ("50.25", "50.25")],
)
def test_amounts_are_read_as_people_write_them(
    buyers_client: Client, typed: str, amount: str
) -> None:
    answer = fill(buyers_client, typed)
    assert answer.status_code == 302
    assert order_of(answer) == {"amount": amount, "key": KEY}
    assert not TopUp.objects.exists()


def test_a_picked_amount_will_do_and_a_typed_one_wins(buyers_client: Client) -> None:
    assert order_of(fill(buyers_client, preset="100"))["amount"] == "100"
    assert order_of(fill(buyers_client, "60", preset="100"))["amount"] == "60"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Enter an amount, or pick one."),
        ("abc", "Enter an amount such as 1,000 or 50.25."),
        ("-50", "Enter an amount such as 1,000 or 50.25."),
        ("1.000", "1.000 may mean two amounts"),
        ("50.001", "may mean two amounts"),
        ("100.0001", "Amounts in USD go in steps of 0.01."),
        ("49.99", "The smallest amount is US$50.00."),
        ("10000.01", "The largest amount is US$10,000.00 at a time."),
        ("9" * 40, "too large"),
    ],
)
def test_a_refusal_stands_beside_the_field_and_keeps_what_was_typed(
    buyers_client: Client, typed: str, sentence: str
) -> None:
    answer = fill(buyers_client, typed, purchase_order="PO-7")
    text = unescape(answer.text)
    assert answer.status_code == 422
    field = re.search(r'<input[^>]*name="amount"[^>]*>', answer.text)
    assert field
    assert 'aria-invalid="true"' in field[0]
    assert "id_amount_error" in field[0]
    assert re.search(r'id="id_amount_error".*?' + re.escape(sentence), text, re.S)
    assert 'role="alert"' in text  # the summary, which takes the focus
    assert not typed or f'value="{typed}"' in text
    assert 'value="PO-7"' in text
    assert not TopUp.objects.exists()


def test_the_balance_may_not_grow_beyond_its_largest(
    buyers_client: Client, formosa: Organisation
) -> None:
    makers.make_lot(formosa, "49990")
    answer = fill(buyers_client, "50")
    assert answer.status_code == 422
    assert "The balance may grow by US$10.00 at most." in answer.text


def test_review_shows_what_it_comes_to_and_charges_nothing(
    buyers_client: Client,
) -> None:
    answer = buyers_client.get(fill(buyers_client, "500")["Location"])
    text = answer.text
    for shown in ("US$500.00", "US$0.00", "These funds expire on", "can be refunded"):
        assert shown in text
    assert "Pay US$500.00" in text
    assert f'name="key" value="{KEY}"' in text
    assert not TopUp.objects.exists()


def test_a_review_address_that_was_tampered_with_shows_the_form(
    buyers_client: Client,
) -> None:
    for order in ({"amount": "1", "key": KEY}, {"amount": "100", "key": "x"}, {}):
        assert buyers_client.get(REVIEW, order).status_code == 422
        assert buyers_client.post(REVIEW, order).status_code == 422
    assert not TopUp.objects.exists()


def test_a_currency_without_terms_is_not_sold(
    alice: User, formosa: Organisation
) -> None:
    answer = signed_in(alice).get(FORM)
    assert answer.status_code == 409
    assert "Credits are not sold in USD at the moment." in answer.text


# --- the order --------------------------------------------------------------------


def pay(client: Client, amount: str = "100", key: str = KEY) -> HttpResponse:
    order = {"amount": amount, "key": key, "purchase_order": "PO-7"}
    return client.post(REVIEW, order)  # type: ignore[return-value]


def test_paying_leads_to_the_payment_page(
    client: Client, buyer: Buyer, alice: User
) -> None:
    answer = pay(client)
    top_up = TopUp.objects.get()
    assert answer.status_code == 302
    assert answer["Location"] == top_up.checkout_url
    assert (top_up.actor, top_up.purchase_order) == (alice, "PO-7")
    assert AuditEvent.objects.get(verb="start_top_up").ip
    assert_nothing_issued()


def test_double_click_reload_and_back_place_one_order(
    client: Client, buyer: Buyer
) -> None:
    first, second = pay(client), pay(client)
    assert first["Location"] == second["Location"]
    assert TopUp.objects.count() == 1


def test_another_amount_from_the_same_form_is_another_order(
    client: Client, buyer: Buyer
) -> None:
    pay(client, "100")
    pay(client, "200")
    assert TopUp.objects.count() == 2


def test_an_order_that_is_already_paid_leads_to_its_receipt(
    client: Client, buyer: Buyer
) -> None:
    pay(client)
    top_up = TopUp.objects.get()
    buyer.pay(top_up)
    buyer.come_back(top_up)
    assert pay(client)["Location"] == top_up.get_absolute_url()
    assert TopUp.objects.count() == 1


def test_an_order_survives_a_payment_service_that_does_not_answer(
    client: Client, buyer: Buyer, stripe_sandbox: StripeSandbox
) -> None:
    stripe_sandbox.fail("http_500", "/v1/checkout/sessions")
    answer = pay(client)
    assert answer.status_code == 503
    assert "Nothing was charged" in answer.text
    assert f'value="{KEY}"' in answer.text
    assert pay(client)["Location"] == TopUp.objects.get().checkout_url


def test_orders_are_counted(client: Client, buyer: Buyer) -> None:
    for _ in range(20):
        pay(client)
    assert pay(client).status_code == 429
    cache.clear()


def test_forms_without_the_token_of_the_page_are_refused(
    alice: User, formosa: Organisation
) -> None:
    makers.make_terms("USD")
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    for address in (FORM, REVIEW, reverse("choose_organisation")):
        answer = client.post(address, {"amount": "100", "key": KEY})
        assert answer.status_code == 403
        assert "The form has expired." in answer.text


def test_the_tick_for_auto_recharge_leads_to_its_settings_after_paying(
    client: Client, buyer: Buyer
) -> None:
    """Opt-in: unticked at first, and ticked it switches nothing on (rule 5.1)."""
    box = re.search(r'<input[^>]*name="recharge"[^>]*>', client.get(FORM).text)
    assert box
    assert "checked" not in box[0]
    address = fill(client, "100", recharge="on")["Location"]
    assert 'name="recharge" value="on"' in client.get(address).text
    order = {"amount": "100", "key": KEY, "purchase_order": "", "recharge": "on"}
    client.post(REVIEW, order)
    top_up = TopUp.objects.get()
    settings_link = reverse("auto_recharge_settings")
    assert settings_link not in client.get(top_up.get_absolute_url()).text
    buyer.pay(top_up)
    TopUp.objects.update(looked_at=None)  # three seconds later
    buyer.come_back(top_up)
    assert settings_link in client.get(top_up.get_absolute_url()).text
    assert not AutoRecharge.objects.exists()


def test_the_review_says_that_saved_cards_pay_too(
    client: Client, buyer: Buyer, formosa: Organisation
) -> None:
    order = {"amount": "100", "key": KEY}
    assert "Card, on the next page" in client.get(REVIEW, order).text
    saved = save_card(formosa)
    text = client.get(REVIEW, order).text
    assert "A saved card or another one, on the next page" in text
    pay(client)
    page = visit(TopUp.objects.get().checkout_url)
    assert f"ending {saved.last_four}" in page.text

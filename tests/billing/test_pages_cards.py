"""The pages of saved cards: adding one, the default, letting one go (rule 5.1)."""

import uuid
from collections.abc import Iterator
from html import unescape

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ

from accounts.models import Organisation, Role, User
from billing.cards.payment_methods import make_default
from billing.models import AutoRecharge, CardSetup, PaymentMethod
from billing.refusals import CardNotChargeable
from tests import makers
from tests.accounts.recently import signed_in_recently
from tests.billing.buying import Buyer
from tests.billing.recharging import make_card, switch_on
from tests.billing.saving_cards import MASTERCARD, save_card
from tests.billing.test_pages_access import signed_in
from tests.sandbox.clicks import card, visit
from tests.stripe_sandbox import StripeSandbox

NOW = timezone.now()
LIST, ADD = "/payment-methods/", "/payment-methods/add/"


@pytest.fixture(autouse=True)
def _no_counts(db: None) -> Iterator[None]:
    cache.clear()  # tries are counted, and another test may have tried
    yield
    cache.clear()


@pytest.fixture
def client(alice: User, formosa: Organisation) -> Client:
    return signed_in_recently(alice)


def default_of(method: PaymentMethod) -> str:
    return reverse("make_default_card", args=[method.pk])


def remove_of(method: PaymentMethod) -> str:
    return reverse("remove_payment_method", args=[method.pk])


def test_a_card_is_added_from_the_page_to_the_list(
    client: Client, buyer: Buyer
) -> None:
    key = str(uuid.uuid4())
    answer = client.post(ADD, {"key": key})
    setup = CardSetup.objects.get()
    assert answer["Location"] == setup.checkout_url
    page = visit(setup.checkout_url, card())
    assert page.location.endswith(f"{setup.get_absolute_url()}?checkout=returned")
    text = client.get(setup.get_absolute_url(), {"checkout": "returned"}).text
    assert "Visa ending 4242 is saved." in text
    assert reverse("auto_recharge_settings") in text
    listed = client.get(LIST).text
    assert "Visa ending 4242" in listed
    assert "12/2034" in listed
    assert "Default" in listed


def test_double_click_and_reload_open_one_page(client: Client, buyer: Buyer) -> None:
    key = str(uuid.uuid4())
    first, second = (client.post(ADD, {"key": key}) for _ in range(2))
    assert first["Location"] == second["Location"]
    setup = CardSetup.objects.get()
    visit(setup.checkout_url, card())
    for _ in range(2):
        assert "is saved." in client.get(setup.get_absolute_url()).text
    # The form sent once more leads to what came of it.
    assert client.post(ADD, {"key": key})["Location"] == setup.get_absolute_url()
    assert PaymentMethod.objects.count() == 1


def test_leaving_stripes_page_says_that_nothing_was_saved(
    client: Client, buyer: Buyer
) -> None:
    client.post(ADD, {"key": str(uuid.uuid4())})
    setup = CardSetup.objects.get()
    text = client.get(setup.get_absolute_url(), {"checkout": "cancelled"}).text
    assert "No card was saved." in text
    assert setup.checkout_url in unescape(text)


def test_a_card_that_is_not_confirmed_yet_is_asked_about_by_itself(
    client: Client, buyer: Buyer, stripe_sandbox: StripeSandbox
) -> None:
    client.post(ADD, {"key": str(uuid.uuid4())})
    setup = CardSetup.objects.get()
    stripe_sandbox.fail("http_500", "/v1/checkout/sessions", method="GET")
    address = setup.get_absolute_url()
    text = client.get(address, {"checkout": "returned"}).text
    assert "The card is being checked." in text
    assert f'hx-get="{address}"' in text
    htmx = {"HX-Request": "true"}
    assert client.get(address, headers=htmx).status_code == 204
    visit(setup.checkout_url, card())
    CardSetup.objects.update(looked_at=None)
    assert "is saved." in client.get(address, headers=htmx).text


def test_stripe_being_away_is_said_and_the_form_kept(
    client: Client, buyer: Buyer, stripe_sandbox: StripeSandbox
) -> None:
    key = str(uuid.uuid4())
    stripe_sandbox.fail("http_500", "/v1/checkout/sessions")
    answer = client.post(ADD, {"key": key, "becomes_default": "on"})
    assert answer.status_code == 503
    assert "Nothing was charged" in answer.text
    assert f'value="{key}"' in answer.text


def test_adding_cards_is_counted(client: Client, buyer: Buyer) -> None:
    """Card testing: whoever tries many is told to wait."""
    for _ in range(10):
        assert client.post(ADD, {"key": str(uuid.uuid4())}).status_code == 302
    assert client.post(ADD, {"key": str(uuid.uuid4())}).status_code == 429
    assert CardSetup.objects.count() == 10


def test_who_is_billed_after_use_saves_a_card_for_its_invoices(
    charlie: User, contoso: Organisation, stripe_sandbox: StripeSandbox
) -> None:
    """A card sells no credit; the words speak of invoices and not of auto-recharge."""
    client = signed_in_recently(charlie)
    assert "Without one you pay each invoice yourself." in client.get(LIST).text
    assert "for each invoice when it is issued" in client.get(ADD).text
    assert client.post(ADD, {"key": str(uuid.uuid4())}).status_code == 302
    make_card(contoso, at=NOW, is_default=True)
    page = client.get(LIST).text
    assert "The default card is charged when an invoice is issued." in page
    assert "/auto-recharge/" not in page


def test_cards_of_others_are_not_found(
    client: Client, charlie: User, contoso: Organisation
) -> None:
    theirs = make_card(makers.make_organisation("Second Trading"), at=NOW)
    assert client.post(default_of(theirs)).status_code == 404
    assert client.get(remove_of(theirs)).status_code == 404
    assert client.post(remove_of(theirs)).status_code == 404
    setup = CardSetup.objects.create(
        organisation=theirs.organisation, client_key="k", actor=charlie, started_at=NOW
    )
    assert client.get(setup.get_absolute_url()).status_code == 404


# --- the default, and removing ----------------------------------------------------


def test_making_another_card_the_default_moves_auto_recharge_to_it(
    client: Client, formosa: Organisation
) -> None:
    makers.make_terms("USD")
    first = make_card(formosa, at=NOW, is_default=True)
    second = make_card(formosa, at=NOW)
    switch_on(formosa, first, at=NOW, backup=second)
    answer = client.post(default_of(second), follow=True)
    assert f"{second.title} is charged from now on." in answer.text
    row = AutoRecharge.objects.get()
    assert (row.payment_method, row.backup) == (second, first)
    first.refresh_from_db()
    assert not first.is_default


def test_a_card_that_cannot_be_charged_is_no_default(
    client: Client, formosa: Organisation
) -> None:
    cards = [
        make_card(formosa, at=NOW, expiry_year=2020),
        make_card(formosa, at=NOW, is_reusable=False),
        make_card(formosa, at=NOW, suspended_at=NOW, suspended_code="lost_card"),
    ]
    for method in cards:
        with pytest.raises(CardNotChargeable):
            make_default(method, actor=None, at=NOW)
        answer = client.post(default_of(method))
        assert answer.status_code == 409
        assert "This card cannot be charged later." in answer.text
    assert not PaymentMethod.objects.filter(is_default=True).exists()


def test_cards_that_are_not_charged_say_why_and_what_helps(
    client: Client, formosa: Organisation
) -> None:
    make_card(formosa, at=NOW, expiry_year=2020)
    make_card(formosa, at=NOW, is_reusable=False)
    make_card(formosa, at=NOW, suspended_at=NOW, suspended_code="insufficient_funds")
    make_card(formosa, at=NOW, suspended_at=NOW, suspended_code="disputed")
    text = unescape(client.get(LIST).text)
    for sentence in (
        "It has expired. Add the card that took its place.",
        "It pays only while you are there; auto-recharge cannot charge it.",
        "The card has not enough money for this amount. It is not charged by itself",
        "That ends once you have added funds",
        "A payment with it is disputed.",
    ):
        assert sentence in text
    for pill in ("Expired", "Not for auto-recharge", "Paused"):
        assert f">{pill}</span>" in text


def test_the_card_auto_recharge_charges_stays(
    client: Client, formosa: Organisation
) -> None:
    """Museum: the last card is refused with the reason, not with an error."""
    makers.make_terms("USD")
    method = make_card(formosa, at=NOW, is_default=True)
    switch_on(formosa, method, at=NOW)
    assert "Auto-recharge charges this card." in client.get(remove_of(method)).text
    answer = client.post(remove_of(method))
    assert answer.status_code == 409
    assert "Choose another card for it, or switch it off" in unescape(answer.text)
    method.refresh_from_db()
    assert method.removed_at is None


def test_a_removed_card_is_gone_and_stripe_forgets_it(
    client: Client, buyer: Buyer, formosa: Organisation
) -> None:
    import stripe

    first, second = save_card(formosa), save_card(formosa, MASTERCARD)
    assert "Nothing has been changed yet." in client.get(remove_of(first)).text
    answer = client.post(remove_of(first), follow=True)
    assert "Visa ending 4242 is removed." in answer.text
    assert client.post(remove_of(first)).status_code == 404
    first.refresh_from_db()
    second.refresh_from_db()
    assert first.detached_at is not None
    assert second.is_default  # it takes the place of the one that went
    found = stripe.PaymentMethod.retrieve(first.stripe_payment_method_id)
    assert found.customer is None


def test_a_backup_may_go(client: Client, formosa: Organisation) -> None:
    makers.make_terms("USD")
    method = make_card(formosa, at=NOW, is_default=True)
    backup = make_card(formosa, at=NOW, detached_at=NOW)
    switch_on(formosa, method, at=NOW, backup=backup)
    assert "then has no backup card" in client.get(remove_of(backup)).text
    client.post(remove_of(backup))
    assert AutoRecharge.objects.get().backup is None


# --- doors ------------------------------------------------------------------------


def addresses(method: PaymentMethod) -> list[str]:
    return [LIST, ADD, default_of(method), remove_of(method)]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.DEVELOPER])
def test_roles_that_do_not_buy_have_no_cards(formosa: Organisation, role: Role) -> None:
    method = make_card(formosa, at=NOW)
    user = makers.make_user()
    makers.make_member(formosa, user, role)
    client = signed_in_recently(user)
    for address in addresses(method):
        assert client.post(address).status_code in {403, 405}
        assert client.get(address).status_code in {403, 405}
    assert reverse("payment_methods") not in client.get("/credits/").text


def test_whatever_changes_cards_asks_for_a_recent_sign_in(
    alice: User, formosa: Organisation
) -> None:
    method = make_card(formosa, at=NOW)
    client = signed_in(alice)  # a session of which nobody knows how it began
    for address in (ADD, remove_of(method)):
        assert "/reauthenticate/" in client.get(address)["Location"]
    for address in (ADD, default_of(method), remove_of(method)):
        answer = client.post(address, {"key": str(uuid.uuid4())})
        assert "/reauthenticate/" in answer["Location"]
    assert client.get(LIST).status_code == 200
    method.refresh_from_db()
    assert (method.is_default, method.removed_at) == (False, None)
    assert not CardSetup.objects.exists()


def test_a_card_added_beside_another_can_take_its_place_at_once(
    client: Client, buyer: Buyer, formosa: Organisation
) -> None:
    switch_on(formosa, save_card(formosa), at=timezone.now())
    second = save_card(formosa, MASTERCARD)
    setup = CardSetup.objects.get(payment_method=second)
    text = client.get(setup.get_absolute_url()).text
    assert "Auto-recharge still charges Visa ending 4242." in text
    assert default_of(second) in text
    client.post(default_of(second))
    text = client.get(setup.get_absolute_url()).text
    assert "Auto-recharge charges this card from now on." in text
    queued = OrmQ.objects.all()
    assert any("nudge_recharge" in str(one.func()) for one in queued)

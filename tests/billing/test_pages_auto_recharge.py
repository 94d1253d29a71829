"""The pages of auto-recharge: settings, review, states and reasons (rules 5.1, 5.7)."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organisation, Role, User
from billing.models import (
    AutoRecharge,
    Consent,
    PaymentMethod,
    RechargeAttempt,
    SkippedRecharge,
    TopUp,
)
from billing.prove import prove
from billing.recharging.recharge_consent import TEXT_VERSION
from credits.models import Lot, Wallet
from tests import makers
from tests.accounts.recently import signed_in_recently
from tests.billing.buying import Buyer
from tests.billing.recharging import make_card, switch_on, usd
from tests.billing.saving_cards import save_card
from tests.billing.test_pages_access import signed_in

Answer = Any  # of the test client, whose type is its own affair
NOW = timezone.now()
PAGE, FORM = "/auto-recharge/", "/auto-recharge/settings/"
REVIEW, OFF = "/auto-recharge/review/", "/auto-recharge/off/"


@pytest.fixture(autouse=True)
def _no_counts(db: None) -> Iterator[None]:
    cache.clear()  # orders are counted, and another test may have placed some
    yield
    cache.clear()


@pytest.fixture
def client(alice: User, formosa: Organisation) -> Client:
    return signed_in_recently(alice)


@pytest.fixture
def card(formosa: Organisation) -> PaymentMethod:
    """Formosa's card, with enough money in the wallet to charge nothing."""
    makers.make_terms("USD")
    makers.make_lot(formosa, "500", at=NOW)
    return make_card(formosa, at=NOW, is_default=True)


def settings(card: PaymentMethod, **changed: str) -> dict[str, str]:
    wanted = {
        "trigger": "100",
        "amount": "200",
        "monthly_limit": "400",
        "payment_method": str(card.pk),
        "only_when_used": "on",
        "version": "off",
    }
    return wanted | changed


def carried(answer: Answer) -> dict[str, str]:
    """What the review page's address carries."""
    assert answer["Location"].startswith(REVIEW)
    query = parse_qs(urlsplit(answer["Location"]).query)
    return {name: values[0] for name, values in query.items()}


def confirm(client: Client, answer: Answer) -> Answer:
    return client.post(REVIEW, carried(answer) | {"consent": "on"})


def problem_of(answer: Answer, field: str) -> str:
    found = re.search(rf'id="id_{field}_error".*?<span>(.*?)</span>', answer.text, re.S)
    assert found, answer.text
    return unescape(found[1])


# --- switching on -----------------------------------------------------------------


def test_the_form_suggests_amounts_and_says_why(
    client: Client, card: PaymentMethod
) -> None:
    text = unescape(client.get(FORM).text)
    assert "There is not enough usage yet to know your pace" in text
    assert (
        "When the available balance falls below US$50.00 we add US$50.00, at most "
        "US$100.00 a month." in text
    )
    assert 'value="50"' in text


def test_without_a_card_the_form_leads_to_one(
    client: Client, formosa: Organisation
) -> None:
    makers.make_terms("USD")
    text = client.get(FORM).text
    assert "Save a card first." in text
    assert reverse("add_card") in text


def test_it_is_switched_on_after_a_review_with_the_text_that_is_kept(
    client: Client, card: PaymentMethod, alice: User
) -> None:
    """Museum B30: opt-in with stored consent."""
    answer = client.post(FORM, settings(card))
    assert not AutoRecharge.objects.exists()
    shown = client.get(answer["Location"]).text
    assert "Nothing has been saved or charged yet." in shown
    assert f"Version {TEXT_VERSION} of this text" in shown
    assert "Charged now" not in shown
    assert "Switch on auto-recharge" in shown
    done = client.post(
        REVIEW, carried(answer) | {"consent": "on"}, REMOTE_ADDR="192.0.2.7"
    )
    assert done["Location"] == PAGE
    row, consent = AutoRecharge.objects.get(), Consent.objects.get()
    assert (row.trigger_micros, row.amount_micros) == (usd("100"), usd("200"))
    assert (consent.user, consent.ip) == (alice, "192.0.2.7")
    assert consent.text in unescape(shown)
    text = unescape(client.get(PAGE).text)
    assert "at most US$400.00 a month." in text
    assert not RechargeAttempt.objects.exists()


def test_without_the_tick_nothing_is_switched_on(
    client: Client, card: PaymentMethod
) -> None:
    order = carried(client.post(FORM, settings(card)))
    answer = client.post(REVIEW, order)
    assert answer.status_code == 422
    assert "Agree to being charged" in problem_of(answer, "consent")
    assert not AutoRecharge.objects.exists()


def test_a_review_that_was_tampered_with_shows_the_form(
    client: Client, card: PaymentMethod
) -> None:
    for order in ({}, settings(card, amount="1"), settings(card, payment_method="0")):
        assert client.get(REVIEW, order).status_code == 422
        assert client.post(REVIEW, order | {"consent": "on"}).status_code == 422
    assert not AutoRecharge.objects.exists()


@pytest.mark.parametrize(
    ("changed", "field", "sentence"),
    [
        ({"trigger": "abc"}, "trigger", "Enter an amount such as 1,000 or 50.25."),
        ({"trigger": "1.000"}, "trigger", "may mean two amounts"),
        ({"trigger": "-5"}, "trigger", "Enter an amount such as 1,000 or 50.25."),
        ({"trigger": "2000"}, "trigger", "below ten times the recharge amount"),
        ({"amount": "49"}, "amount", "The smallest amount is US$50.00."),
        ({"amount": ""}, "amount", "This field is required."),
        ({"monthly_limit": "199"}, "monthly_limit", "at least the recharge amount"),
        ({"payment_method": ""}, "payment_method", "This field is required."),
    ],
)
def test_b25_contradictions_are_told_beside_their_fields_and_keep_what_was_typed(
    client: Client,
    card: PaymentMethod,
    changed: dict[str, str],
    field: str,
    sentence: str,
) -> None:
    answer = client.post(FORM, settings(card, **changed))
    assert answer.status_code == 422
    assert sentence in problem_of(answer, field)
    assert 'role="alert"' in answer.text
    for name, typed in settings(card, **changed).items():
        if name in {"trigger", "amount", "monthly_limit"} and typed:
            assert f'value="{typed}"' in answer.text
    assert not AutoRecharge.objects.exists()


def test_b25_an_expired_or_paused_card_is_not_offered(
    client: Client, card: PaymentMethod, formosa: Organisation
) -> None:
    expired = make_card(formosa, at=NOW, expiry_year=2020)
    paused = make_card(formosa, at=NOW, suspended_at=NOW, suspended_code="lost_card")
    for wrong in (expired, paused):
        answer = client.post(FORM, settings(card, payment_method=str(wrong.pk)))
        assert answer.status_code == 422
        assert "Select a valid choice" in problem_of(answer, "payment_method")


def test_the_sentence_follows_what_is_typed(
    client: Client, card: PaymentMethod
) -> None:
    htmx = {"HX-Request": "true"}
    answer = client.get(FORM, settings(card, trigger="1,000"), headers=htmx)
    text = unescape(answer.text)
    assert "falls below US$1,000.00 we add US$200.00, at most US$400.00" in text
    assert "Save and charge US$200.00 now" in text
    assert "<html" not in text
    assert "does not lift the available balance" in text  # museum B23
    answer = client.get(FORM, settings(card, trigger="x"), headers=htmx)
    assert "Enter an amount such as" in answer.text


# --- changing ---------------------------------------------------------------------


def test_less_is_saved_at_once_and_more_is_agreed_to_again(
    client: Client, card: PaymentMethod, formosa: Organisation
) -> None:
    row = switch_on(formosa, card, at=NOW)
    version = row.changed_at.isoformat()
    less = settings(card, trigger="10", amount="90", monthly_limit="900")
    answer = client.post(FORM, less | {"version": version})
    assert answer["Location"] == PAGE
    assert Consent.objects.count() == 1
    row.refresh_from_db()
    more = less | {"amount": "95", "version": row.changed_at.isoformat()}
    answer = client.post(FORM, more)
    assert answer["Location"].startswith(REVIEW)
    assert "What you agree to" in client.get(answer["Location"]).text
    assert confirm(client, answer)["Location"] == PAGE
    assert Consent.objects.count() == 2


def test_what_changed_meanwhile_is_shown_and_not_overwritten(
    client: Client, card: PaymentMethod, formosa: Organisation
) -> None:
    row = switch_on(formosa, card, at=NOW)
    stale = settings(card, trigger="30", amount="90", version="2026-01-01T00:00:00Z")
    answer = client.post(FORM, stale)
    assert answer.status_code == 422
    text = unescape(answer.text)
    assert "These settings were changed meanwhile" in text
    assert "falls below US$20.00 we add US$100.00" in text
    assert 'value="30"' in text
    row.refresh_from_db()
    assert row.trigger_micros == usd("20")
    # The page that says so carries the new version: saving it again holds.
    version = re.search(r'name="version" value="([^"]+)"', answer.text)
    assert version
    assert client.post(FORM, stale | {"version": version[1]}).status_code == 302


def test_switching_off_asks_once_and_says_when_the_balance_ends(
    client: Client, card: PaymentMethod, formosa: Organisation
) -> None:
    switch_on(formosa, card, at=NOW)
    text = client.get(OFF).text
    assert "There is not enough usage yet to say" in text
    assert AutoRecharge.objects.exists()
    assert "Auto-recharge is off." in client.post(OFF, follow=True).text
    assert not AutoRecharge.objects.exists()
    assert Wallet.objects.get(pk=formosa.pk).trigger is None
    assert client.post(OFF)["Location"] == PAGE  # the second click finds it done


# --- already below ----------------------------------------------------------------


@pytest.fixture
def below(buyer: Buyer, formosa: Organisation) -> PaymentMethod:
    """A card saved at Stripe, and nothing in the wallet."""
    return save_card(formosa)


def test_already_below_it_says_so_reviews_and_charges_once(
    client: Client, below: PaymentMethod, formosa: Organisation
) -> None:
    answer = client.post(FORM, settings(below))
    shown = client.get(answer["Location"]).text
    for said in (
        "Save and charge US$200.00 now",
        "Charged now",
        "These funds expire on",
        "can be refunded",
        "Visa ending 4242",
    ):
        assert said in shown
    assert not RechargeAttempt.objects.exists()
    first, second = confirm(client, answer), confirm(client, answer)
    attempt = RechargeAttempt.objects.get()
    assert first["Location"] == second["Location"] == attempt.top_up.get_absolute_url()
    assert "US$200.00 added." in client.get(first["Location"]).text
    assert attempt.state == "paid"
    assert Lot.objects.get().kind == "recharge"
    assert Wallet.objects.get(pk=formosa.pk).credit == usd("200")
    assert Consent.objects.count() == 1
    assert prove(at=timezone.now()).breaches == []


def test_a_declined_first_charge_says_why_and_when_it_is_tried_again(
    client: Client, buyer: Buyer, formosa: Organisation
) -> None:
    method = save_card(formosa, "4000 0000 0000 0341")
    done = confirm(client, client.post(FORM, settings(method)))
    text = unescape(client.get(done["Location"]).text)
    assert f"{method.title} was declined." in text
    assert "Next try:" in text
    assert reverse("add_card") + "?instead=1" in text
    state = unescape(client.get(PAGE).text)
    assert "Payment problem" in state
    assert "Next try:" in state
    assert not Lot.objects.exists()
    assert prove(at=timezone.now()).breaches == []


# --- states and reasons -----------------------------------------------------------


def test_off_says_what_it_is_for(client: Client, card: PaymentMethod) -> None:
    text = client.get(PAGE).text
    assert ">Off</span>" in text
    assert "paid calls stop until you add funds" in text


def test_b25_every_skipped_recharge_shows_its_reason(
    client: Client, card: PaymentMethod, formosa: Organisation
) -> None:
    switch_on(formosa, card, at=NOW)
    for reason, times in (("not_used", 3), ("month_limit", 1)):
        SkippedRecharge.objects.create(
            organisation=formosa,
            reason=reason,
            times=times,
            day=formosa.local_day(NOW),
            first_at=NOW,
            last_at=NOW,
        )
    text = unescape(client.get(PAGE).text)
    assert "Skipped recharges" in text
    assert "No paid call was made in the last 30 days." in text
    assert "The monthly limit would have been exceeded." in text


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("lost_card", "is no longer charged. The bank gave no reason"),
        ("disputed", "A payment with this card is disputed at its bank."),
    ],
)
def test_a_paused_card_is_named_with_the_way_to_go_on(
    client: Client,
    card: PaymentMethod,
    formosa: Organisation,
    code: str,
    sentence: str,
) -> None:
    switch_on(formosa, card, at=NOW)
    PaymentMethod.objects.update(suspended_at=NOW, suspended_code=code, declines=1)
    text = unescape(client.get(PAGE).text)
    assert ">Paused</span>" in text
    assert sentence in text
    assert reverse("add_card") + "?instead=1" in text


def test_what_the_provider_stopped_is_said(
    client: Client, card: PaymentMethod, formosa: Organisation
) -> None:
    switch_on(formosa, card, at=NOW)
    AutoRecharge.objects.update(stopped_at=NOW, stopped_reason="Looks odd.")
    text = client.get(PAGE).text
    assert "The provider has stopped auto-recharge here." in text
    assert "Looks odd." not in text  # staff's own words


def test_the_credits_page_shows_the_card_to_all_and_the_links_to_buyers(
    client: Client, card: PaymentMethod, formosa: Organisation, bob: User
) -> None:
    switch_on(formosa, card, at=NOW)
    for reader, may_buy in ((client, True), (signed_in(bob), False)):
        text = reader.get("/credits/").text
        assert "When available balance is below" in text
        assert "US$0.00 of US$1,000.00" in text
        assert (PAGE in text) is may_buy


def test_subscriptions_lead_to_payment_and_recharge_in_one_step(
    client: Client, card: PaymentMethod, formosa: Organisation
) -> None:
    listed = client.get("/subscriptions/").text
    assert reverse("communications_credits") in listed
    text = client.get(reverse("communications_credits")).text
    for name in ("payment_methods", "add_card", "auto_recharge_settings"):
        assert reverse(name) in text
    assert card.title in text


# --- doors ------------------------------------------------------------------------

DOORS = [PAGE, FORM, REVIEW, OFF, "/subscriptions/communications-credits/"]
CARD_DOORS = ["/payment-methods/", "/payment-methods/add/"]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.DEVELOPER])
@pytest.mark.parametrize("door", DOORS)
def test_roles_that_do_not_buy_are_told_who_does(
    formosa: Organisation, card: PaymentMethod, role: Role, door: str
) -> None:
    user = makers.make_user()
    makers.make_member(formosa, user, role)
    client = signed_in_recently(user)
    answer = client.get(door)
    assert answer.status_code == 403
    assert "Alice · Owner" in answer.text
    assert client.post(door, settings(card)).status_code in {403, 405}
    assert not AutoRecharge.objects.exists()


@pytest.mark.parametrize("door", DOORS)
def test_nce_gets_the_sentence_at_every_door(
    charlie: User, contoso: Organisation, door: str
) -> None:
    makers.make_terms("USD")
    client = signed_in_recently(charlie)
    for answer in (client.get(door), client.post(door, {"amount": "100"})):
        if answer.status_code == 405:
            continue
        assert answer.status_code == 409
        assert 'data-code="credits_not_for_sale"' in answer.text
    for page in ("/", "/credits/", "/subscriptions/", "/help/"):
        text = client.get(page).text
        assert "/auto-recharge/" not in text
        assert "/payment-methods/" not in text


def test_nce_approves_nothing(charlie: User, contoso: Organisation) -> None:
    client = signed_in_recently(charlie)
    answer = client.post(reverse("approve_payment", args=[1]))
    assert answer.status_code == 409


def test_settings_ask_for_a_recent_sign_in(
    alice: User, formosa: Organisation, card: PaymentMethod
) -> None:
    client = signed_in(alice)
    for answer in (
        client.get(FORM),
        client.post(FORM, settings(card)),
        client.get(REVIEW, settings(card)),
        client.post(REVIEW, settings(card) | {"consent": "on"}),
    ):
        assert "/reauthenticate/" in answer["Location"]
    assert not AutoRecharge.objects.exists()
    assert client.get(PAGE).status_code == 200
    assert not TopUp.objects.filter(kind="recharge").exists()

"""A recharge whose bank asks for its owner is approved on its own page (rule 5.6)."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Notice, Organisation, Role, User
from billing.models import RechargeAttempt, RechargeCause, TopUp
from billing.prove import prove
from billing.recharging.recharge import recharge_if_wanted
from credits.models import Lot, Wallet
from tests import makers
from tests.accounts.recently import signed_in_recently
from tests.billing.buying import Buyer
from tests.billing.recharging import switch_on, usd
from tests.billing.saving_cards import MASTERCARD, save_card
from tests.billing.test_pages_access import signed_in
from tests.sandbox.clicks import card, visit

ALWAYS_ASKS = "4000002760003184"


@pytest.fixture(autouse=True)
def _no_counts(db: None) -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def waiting(buyer: Buyer, formosa: Organisation) -> TopUp:
    """US$100 that Formosa's bank wants approved."""
    now = timezone.now()
    method = save_card(formosa)
    buyer.sandbox.change_card(method.stripe_payment_method_id, ALWAYS_ASKS)
    switch_on(formosa, method, at=now)
    found = recharge_if_wanted(
        formosa.pk, cause=RechargeCause.SAVE, at=now, is_asked=True
    )
    assert found is not None
    assert found.state == "action_required"
    return found.top_up


@pytest.fixture
def client(alice: User, formosa: Organisation) -> Client:
    return signed_in_recently(alice)


def approve_of(top_up: TopUp) -> str:
    return reverse("approve_payment", args=[top_up.pk])


def test_b26_the_mail_leads_to_the_page_that_approves_the_same_order(
    client: Client, waiting: TopUp, formosa: Organisation
) -> None:
    mail = Notice.objects.filter(kind="recharge_action_required").first()
    assert mail is not None
    text = client.get(mail.context["path"]).text
    assert "Your bank wants you to approve US$100.00." in text
    assert "Nothing has been charged yet." in text
    assert approve_of(waiting) in text
    answer = client.post(approve_of(waiting))
    waiting.refresh_from_db()
    assert answer["Location"] == waiting.checkout_url
    # A reload, the back button or a second click lead to the same page.
    assert client.post(approve_of(waiting))["Location"] == waiting.checkout_url
    visit(waiting.checkout_url, card(MASTERCARD))
    TopUp.objects.update(looked_at=None)  # three seconds later
    text = client.get(waiting.get_absolute_url(), {"checkout": "returned"}).text
    assert "US$100.00 added." in text
    assert RechargeAttempt.objects.get().state == "paid"
    assert Lot.objects.get().kind == "recharge"
    assert Wallet.objects.get(pk=formosa.pk).credit == usd("100")
    assert TopUp.objects.count() == 1
    assert prove(at=timezone.now()).breaches == []


def test_what_is_approved_already_leads_to_its_receipt(
    client: Client, waiting: TopUp
) -> None:
    client.post(approve_of(waiting))
    waiting.refresh_from_db()
    visit(waiting.checkout_url, card(MASTERCARD))
    answer = client.post(approve_of(waiting), follow=True)
    assert "US$100.00 added." in answer.text
    answer = client.post(approve_of(waiting), follow=True)
    assert "US$100.00 added." in answer.text
    assert Lot.objects.count() == 1


def test_leaving_the_page_leaves_it_waiting(client: Client, waiting: TopUp) -> None:
    client.post(approve_of(waiting))
    text = client.get(waiting.get_absolute_url(), {"checkout": "cancelled"}).text
    assert "Your bank wants you to approve US$100.00." in text
    assert ">Waiting for approval</span>" in client.get("/auto-recharge/").text


def test_a_viewer_reads_who_can_approve(
    waiting: TopUp, formosa: Organisation, bob: User
) -> None:
    client = signed_in(bob)
    text = client.get(waiting.get_absolute_url()).text
    assert "Owners and billing admins can approve it." in text
    assert approve_of(waiting) not in text
    assert client.post(approve_of(waiting)).status_code == 403


def test_another_organisations_order_is_not_approved(waiting: TopUp) -> None:
    other = makers.make_organisation("Second Trading")
    user = makers.make_user()
    makers.make_member(other, user, Role.OWNER)
    assert signed_in(user).post(approve_of(waiting)).status_code == 404

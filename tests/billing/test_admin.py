"""Staff pages: what they show, and the actions that give credit (rules 2.1, 4.6)."""

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from accounts.models import AuditEvent, Membership, Organisation, User
from billing.models import StaffPayment, StripeInbox, TopUp, TopUpTerms
from credits.models import Lot, LotKind, Wallet
from credits.models.prepaid_only import NOT_FOR_SALE_SENTENCE
from credits.money import to_micros
from credits.refusals import CreditsNotHeld
from tests import makers
from tests.billing.selling import sold_in_dollars
from tests.makers import START

CHANGELIST = "/admin/accounts/organisation/"
ADD_PAYMENT = "/admin/billing/staffpayment/add/"
REASON = "Transfer of 2 January, case 4711"


@pytest.fixture
def root(client: Client, db: None, settings: Settings) -> User:
    settings.STAFF_NEED_SECOND_FACTOR = False
    root = User.objects.create_superuser("root@provider.example", "correct horse")
    client.force_login(root)
    return root


def fields(*organisations: Organisation, **shared: Any) -> dict[str, Any]:
    """What staff type for each organisation."""
    typed: dict[str, Any] = {"reason": REASON, "kind": "transfer", "months": "6"}
    for organisation in organisations:
        typed[f"amount_{organisation.pk}"] = "1,250.50"
        typed[f"reference_{organisation.pk}"] = f"B-{organisation.slug}"
    return typed | shared


def act(
    client: Client, action: str, *organisations: Organisation, step: str, **more: Any
) -> str:
    """One click on the list; the page that comes of it, redirects followed."""
    sent = {
        "action": action,
        "_selected_action": [organisation.pk for organisation in organisations],
        **fields(*organisations),
        **more,
    }
    if step:
        sent["step"] = step
    return unescape(client.post(CHANGELIST, sent, follow=True).content.decode())


def preview(client: Client, action: str, *organisations: Organisation) -> str:
    """Looks at before and after; returns the token that the page carries."""
    page = act(client, action, *organisations, step="preview")
    found = re.search(r'name="once" value="([^"]+)"', page)
    assert found, page
    return found.group(1)


# --- record a bank transfer -----------------------------------------------------------


def test_transfer_is_recorded_after_a_look_at_before_and_after(
    client: Client, root: User, formosa: Organisation
) -> None:
    blank = act(client, "record_payment", formosa, step="")
    assert "Amount in USD" in blank
    page = act(client, "record_payment", formosa, step="preview")
    assert "US$0.00" in page
    assert "US$1,250.50" in page
    assert not StaffPayment.objects.exists()
    once = preview(client, "record_payment", formosa)
    told = act(client, "record_payment", formosa, step="confirm", once=once)
    assert "Formosa Tea Trading: US$1,250.50 added." in told
    payment = StaffPayment.objects.get()
    assert (payment.bank_reference, payment.recorded_by) == ("B-formosa", root)
    lot = Lot.objects.get()
    assert (lot.kind, lot.sale_id) == (LotKind.STAFF_PAYMENT, payment.pk)
    assert Wallet.objects.get(pk=formosa.pk).credit == to_micros("1250.50")
    event = AuditEvent.objects.get(verb="record_staff_payment")
    assert (event.actor, event.reason) == (root, REASON)
    assert event.before == {"balance": "0.000000"}
    assert LogEntry.objects.get().object_id == str(formosa.pk)


def test_confirmation_sent_twice_records_once(
    client: Client, root: User, formosa: Organisation
) -> None:
    once = preview(client, "record_payment", formosa)
    act(client, "record_payment", formosa, step="confirm", once=once)
    again = act(client, "record_payment", formosa, step="confirm", once=once)
    assert "This form was sent before; nothing was done again." in again
    assert StaffPayment.objects.count() == 1


def test_confirmation_without_its_token_does_nothing(
    client: Client, root: User, formosa: Organisation
) -> None:
    for more in ({}, {"once": "guessed"}):
        act(client, "record_payment", formosa, step="confirm", **more)
    assert not StaffPayment.objects.exists()


def test_bank_reference_is_recorded_once(
    client: Client, root: User, formosa: Organisation
) -> None:
    for _ in range(2):
        once = preview(client, "record_payment", formosa)
        told = act(client, "record_payment", formosa, step="confirm", once=once)
    assert "This bank reference was recorded before." in told
    assert StaffPayment.objects.count() == Lot.objects.count() == 1


def test_mixed_selection_refuses_nce_and_does_the_others(
    client: Client, root: User, formosa: Organisation, contoso: Organisation
) -> None:
    assert str(NOT_FOR_SALE_SENTENCE) in act(
        client, "record_payment", formosa, contoso, step=""
    )
    once = preview(client, "record_payment", formosa, contoso)
    told = act(client, "record_payment", formosa, contoso, step="confirm", once=once)
    assert f"Contoso: {NOT_FOR_SALE_SENTENCE}" in told
    assert "Formosa Tea Trading: US$1,250.50 added." in told
    assert StaffPayment.objects.get().organisation == formosa
    assert Wallet.objects.get(pk=contoso.pk).credit == 0


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"reason": "because"}, "at least 10 characters"),
        ({"amount": "0"}, "Enter an amount above zero."),
        ({"amount": "12.345"}, "may mean two amounts"),
        ({"amount": "x"}, "Enter an amount such as"),
        ({"reference": ""}, "This field is required."),
    ],
)
def test_what_is_missing_or_wrong_is_said_beside_the_field(
    client: Client,
    root: User,
    formosa: Organisation,
    more: dict[str, str],
    sentence: str,
) -> None:
    typed = {
        name if name == "reason" else f"{name}_{formosa.pk}": value
        for name, value in more.items()
    }
    page = act(client, "record_payment", formosa, step="preview", **typed)
    assert sentence in page
    assert 'name="once"' not in page


def test_payment_is_added_on_its_own_page_too(
    client: Client, root: User, formosa: Organisation
) -> None:
    assert "Record a bank transfer" in client.get(ADD_PAYMENT).content.decode()
    sent = fields(formosa, organisation=formosa.pk, step="preview")
    address = f"{ADD_PAYMENT}?organisation={formosa.pk}"
    page = client.post(address, sent).content.decode()
    found = re.search(r'name="once" value="([^"]+)"', page)
    assert found
    client.post(address, sent | {"step": "confirm", "once": found.group(1)})
    assert StaffPayment.objects.get().organisation == formosa


# --- promotional credit ---------------------------------------------------------------


def test_gift_is_given_with_reason_and_end(
    client: Client, root: User, formosa: Organisation, contoso: Organisation
) -> None:
    once = preview(client, "grant_credit", formosa, contoso)
    told = act(client, "grant_credit", formosa, contoso, step="confirm", once=once)
    assert f"Contoso: {CreditsNotHeld.sentence}" in told
    lot = Lot.objects.get()
    assert (lot.organisation, lot.kind) == (formosa, LotKind.PROMOTIONAL)
    event = AuditEvent.objects.get(verb="grant_promotional_credit")
    assert (event.actor, event.reason) == (root, REASON)


# --- who may --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("permission", "offered"),
    [
        ("grant_credit", "Grant promotional credit"),
        ("record_payment", "Record bank transfers"),
    ],
)
def test_action_is_offered_to_those_who_may(
    client: Client,
    formosa: Organisation,
    settings: Settings,
    permission: str,
    offered: str,
) -> None:
    settings.STAFF_NEED_SECOND_FACTOR = False
    staff = makers.make_user("desk@provider.example", is_staff=True)
    client.force_login(staff)
    view = Permission.objects.get(codename="view_organisation")
    staff.user_permissions.add(view)
    assert offered not in client.get(CHANGELIST).content.decode()
    once_refused = act(client, permission, formosa, step="preview")
    assert 'name="once"' not in once_refused
    assert client.get(ADD_PAYMENT).status_code == 403
    staff.user_permissions.add(Permission.objects.get(codename=permission))
    assert offered in client.get(CHANGELIST).content.decode()


# --- what is shown --------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "accounts_organisation",
        "credits_wallet",
        "billing_topup",
        "billing_staffpayment",
        "billing_stripeinbox",
        "billing_topupterms",
    ],
)
def test_lists_do_not_ask_the_database_per_row(
    client: Client,
    root: User,
    name: str,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    makers.make_terms()
    for number in range(12):
        organisation = makers.make_organisation()
        makers.make_top_up(organisation)
        makers.make_staff_payment(organisation, by=root)
        StripeInbox.objects.create(
            event_id=f"evt_{number}", type="x", payload={}, received_at=START
        )
    address = reverse(f"admin:{name}_changelist")
    with django_assert_max_num_queries(12):
        assert client.get(address).status_code == 200


def test_pages_show_and_do_not_change(
    client: Client, root: User, formosa: Organisation
) -> None:
    makers.make_lot(formosa, "50", at=START)
    top_up = makers.make_top_up(formosa)
    wallet = client.get(f"/admin/credits/wallet/{formosa.pk}/change/")
    assert "50.00" in wallet.content.decode()
    assert client.get(f"/admin/billing/topup/{top_up.pk}/change/").status_code == 200
    page = client.get(f"/admin/accounts/organisation/{formosa.pk}/change/")
    assert "50.00" in page.content.decode()
    for address in ("/admin/billing/topup/add/", "/admin/credits/wallet/add/"):
        assert client.get(address).status_code == 403
    changed = client.post(f"/admin/billing/topup/{top_up.pk}/change/", {"state": "x"})
    assert changed.status_code == 403
    assert TopUp.objects.get(pk=top_up.pk).is_paid


def test_billing_mode_and_currency_cannot_be_typed(
    client: Client, root: User, formosa: Organisation
) -> None:
    sent = {
        "name": "Formosa Tea",
        "country": "TW",
        "time_zone": "Asia/Taipei",
        "language": "en",
        "billing_email": "ap@formosa.example",
        "billing_mode": "NCE",
        "currency": "EUR",
    }
    for prefix in ("memberships", "lots", "ledger_entries"):
        sent |= {f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0"}
    address = f"/admin/accounts/organisation/{formosa.pk}/change/"
    assert client.post(address, sent).status_code == 302
    formosa.refresh_from_db()
    assert (formosa.name, formosa.billing_mode, formosa.currency) == (
        "Formosa Tea",
        "PREPAID",
        "USD",
    )


def test_staff_open_an_organisation_for_a_customer(
    client: Client, root: User, alice: User
) -> None:
    sent = {
        "name": "Northwind",
        "country": "GB",
        "currency": "USD",
        "time_zone": "Europe/London",
        "language": "en",
        "billing_email": "ap@northwind.example",
        "billing_mode": "NCE",
        "owner": str(alice.pk),
    }
    address = "/admin/accounts/organisation/add/"
    refused = client.post(address, sent)
    assert "Credits are not sold in USD." in refused.content.decode()
    assert not Organisation.objects.exists()
    sold_in_dollars()
    assert client.post(address, sent).status_code == 302
    made = Organisation.objects.get()
    assert (made.billing_mode, made.slug) == ("NCE", "northwind")
    assert Wallet.objects.filter(organisation=made).exists()
    assert Membership.objects.get().user == alice


def test_terms_are_changed_by_the_verb(client: Client, root: User) -> None:
    terms = makers.make_terms()
    address = f"/admin/billing/topupterms/{terms.pk}/change/"
    page = client.get(address).content.decode()
    assert 'value="50.000"' in page
    wrong = {"minimum": "500", "maximum": "100", "maximum_balance": "1000"}
    assert "The smallest purchase is above zero" in unescape(
        client.post(address, wrong).content.decode()
    )
    right = {"minimum": "100", "maximum": "1,000", "maximum_balance": "5000"}
    assert client.post(address, right).status_code == 302
    assert TopUpTerms.objects.get().minimum_micros == to_micros("100")
    event = AuditEvent.objects.get(verb="set_terms")
    assert event.actor == root
    added = {"currency": "EUR", **right}
    assert client.post("/admin/billing/topupterms/add/", added).status_code == 302
    assert TopUpTerms.objects.filter(currency="EUR").exists()

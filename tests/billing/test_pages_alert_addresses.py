"""Further addresses hear what billing contacts hear, once they agreed (rule 11)."""

import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.alert_addresses import MOST, confirm_alert_address, confirm_token
from accounts.models import (
    AlertAddress,
    AuditEvent,
    Language,
    Notice,
    NoticeKind,
    Organisation,
    Role,
    User,
)
from accounts.notify import readers_of
from accounts.opt_out import opt_out
from accounts.send import send_due_notices
from tests import makers
from tests.billing.test_pages_access import signed_in
from tests.makers import START

ADA = "ada@books.example"


@pytest.fixture(autouse=True)
def terms(db: None) -> None:
    makers.make_terms("USD")


def add(client: Client, address: str = ADA) -> str:
    sent = {"address": address}
    return client.post(reverse("add_alert_address"), sent, follow=True).text


def told(organisation: Organisation, kind: NoticeKind = NoticeKind.RECEIPT) -> set[str]:
    return set(readers_of(kind, organisation))


def link() -> str:
    """The one in the mail that was sent last."""
    [found] = re.findall(r"http://testserver(/notices/confirm/\S+)", _sent())
    return str(found)


def _sent() -> str:
    return str(mail.outbox[-1].body)


def test_address_is_told_once_it_has_confirmed(
    formosa: Organisation, alice: User
) -> None:
    client = signed_in(alice)
    assert f"{ADA} was asked to confirm." in add(client, "Ada@Books.example")
    assert ADA not in told(formosa)
    assert "not confirmed yet" in client.get(reverse("notices")).text
    notice = Notice.objects.get()
    assert (notice.kind, notice.recipient) == (NoticeKind.ADDRESS_ADDED, ADA)
    assert send_due_notices(notice.created_at) == 1
    assert "Nothing is sent until you confirm." in _sent()
    stranger = Client()
    assert "wants to send messages" in stranger.get(link()).text
    assert ADA not in told(formosa)  # looking at the page agrees to nothing
    assert f"go to {ADA}." in stranger.post(link()).text
    assert ADA in told(formosa)
    page = client.get(reverse("notices")).text
    assert "not confirmed yet" not in page
    assert f"To the alert address {ADA}" in page
    event = AuditEvent.objects.get(verb="add_alert_address")
    assert (event.actor, event.after) == (alice, {"address": ADA})


@pytest.mark.parametrize("is_confirmed", [False, True])
def test_owner_of_the_address_declines(
    formosa: Organisation, alice: User, is_confirmed: bool
) -> None:
    add(signed_in(alice))
    added = AlertAddress.objects.get()
    page = reverse("confirm_alert_address", args=[confirm_token(added)])
    if is_confirmed:
        Client().post(page)
    said = Client().post(page, {"no": "1"}).text
    assert f"No messages about {formosa.name} go to {ADA}." in said
    assert ADA not in told(formosa)
    assert not AlertAddress.objects.exists()
    assert Client().get(page).status_code == 404


def test_removed_address_is_told_no_more_and_its_link_is_worth_nothing(
    formosa: Organisation, alice: User
) -> None:
    client = signed_in(alice)
    add(client)
    added = AlertAddress.objects.get()
    confirm_alert_address(added, at=START)
    remove = reverse("remove_alert_address", args=[added.pk])
    assert f"{ADA} is told no more." in client.post(remove, follow=True).text
    assert ADA not in told(formosa)
    page = reverse("confirm_alert_address", args=[confirm_token(added)])
    assert Client().post(page).status_code == 404
    assert Client().get(page[:-2] + "x/").status_code == 404
    assert AuditEvent.objects.filter(verb="remove_alert_address").count() == 1


def test_alert_address_does_without_optional_kinds_alone(
    formosa: Organisation, alice: User
) -> None:
    client = signed_in(alice)
    add(client)
    confirm_alert_address(AlertAddress.objects.get(), at=START)
    client.post(reverse("choose_notices"), {"address": ADA, "kinds": []})
    assert ADA not in told(formosa, NoticeKind.LOW_BALANCE)
    assert formosa.billing_email in told(formosa, NoticeKind.LOW_BALANCE)
    assert ADA in told(formosa)
    opt_out(formosa, ADA, NoticeKind.LOW_BALANCE, at=START)
    assert ADA in told(formosa, NoticeKind.RECHARGE_PAUSED)


def test_alert_address_hears_nothing_that_is_for_owners_or_developers(
    formosa: Organisation, alice: User
) -> None:
    add(signed_in(alice))
    confirm_alert_address(AlertAddress.objects.get(), at=START)
    assert ADA not in told(formosa, NoticeKind.STAFF_ACTION)
    assert ADA not in told(formosa, NoticeKind.WEBHOOK_DISABLED)


@pytest.mark.parametrize(
    "address", ["nobody", "", "BILLING", "alice@formosa.example", ADA]
)
def test_address_that_is_none_or_is_told_already_is_refused(
    formosa: Organisation, alice: User, address: str
) -> None:
    client = signed_in(alice)
    add(client)
    wanted = formosa.billing_email if address == "BILLING" else address
    if address.startswith("alice"):
        wanted = alice.email.upper()
    said = add(client, wanted)
    assert "was asked" not in said
    assert AlertAddress.objects.count() == Notice.objects.count() == 1


def test_list_of_addresses_is_bounded(formosa: Organisation, alice: User) -> None:
    client = signed_in(alice)
    for number in range(MOST):
        add(client, f"{number}@books.example")
    said = add(client)
    assert f"At most {MOST} alert addresses are kept." in said
    assert AlertAddress.objects.count() == MOST


@pytest.mark.parametrize("role", [Role.VIEWER, Role.DEVELOPER])
def test_only_those_who_pay_decide_about_addresses(
    formosa: Organisation, alice: User, role: Role
) -> None:
    add(signed_in(alice))
    added = AlertAddress.objects.get()
    user = makers.make_user("cleo@formosa.example")
    makers.make_member(formosa, user, role)
    client = signed_in(user)
    assert ADA not in client.get(reverse("notices")).text
    sent = {"address": "eve@evil.example"}
    assert client.post(reverse("add_alert_address"), sent).status_code == 403
    remove = reverse("remove_alert_address", args=[added.pk])
    assert client.post(remove).status_code == 403
    assert AlertAddress.objects.get() == added


def test_address_of_another_organisation_is_not_there(
    formosa: Organisation, alice: User
) -> None:
    other = makers.make_organisation("Other")
    theirs = AlertAddress.objects.create(
        organisation=other,
        address=ADA,
        language=Language.ENGLISH,
        added_at=START,
        added_by=alice,
        confirmed_at=START,
    )
    remove = reverse("remove_alert_address", args=[theirs.pk])
    assert signed_in(alice).post(remove).status_code == 404
    assert ADA not in told(formosa)
    assert ADA in told(other)

"""The owner hands the organisation over, or closes it (rule 1.8)."""

from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, Membership, Organisation, Role, User
from accounts.transfer_ownership import NotTheOwner, transfer_ownership
from tests.accounts.recently import signed_in_recently
from tests.billing.reversing import amounts
from tests.makers import START, make_lot

PAGE, OWNER, CLOSE = "/organisation/", "/organisation/owner/", "/organisation/close/"


@pytest.fixture
def owner(alice: User, formosa: Organisation) -> User:
    return alice


@pytest.fixture
def client(alice: User, formosa: Organisation) -> Client:
    """Alice's, who has just signed in."""
    return signed_in_recently(alice)


def text(answer: object) -> str:
    return unescape(answer.content.decode())  # type: ignore[attr-defined]


def test_only_the_owner_sees_these_pages(bob: User, formosa: Organisation) -> None:
    client = signed_in_recently(bob)
    for page in (PAGE, OWNER, CLOSE):
        assert client.get(page).status_code == 403


def test_ownership_goes_to_another_member(
    client: Client, owner: User, bob: User, formosa: Organisation
) -> None:
    assert "Alice" in text(client.get(PAGE))
    assert client.post(OWNER, {"owner": bob.pk}).status_code == 302
    roles = dict(Membership.objects.values_list("user__email", "role"))
    assert roles == {owner.email: Role.BILLING_ADMIN, bob.email: Role.OWNER}
    event = AuditEvent.objects.get(verb="transfer_ownership")
    assert (event.actor, event.object) == (owner, bob.email)
    assert client.get(PAGE).status_code == 403


def test_ownership_stays_among_members(
    client: Client, owner: User, charlie: User, formosa: Organisation
) -> None:
    assert client.post(OWNER, {"owner": charlie.pk}).status_code == 422
    assert Membership.objects.get(user=owner).role == Role.OWNER


def test_nobody_but_the_owner_hands_over(
    formosa: Organisation, alice: User, bob: User, charlie: User
) -> None:
    for to, actor in ((alice, bob), (charlie, alice), (alice, alice)):
        with pytest.raises(NotTheOwner):
            transfer_ownership(formosa, to, actor=actor, at=START)


def test_closing_shows_the_amounts_and_wants_the_name(
    client: Client, owner: User, formosa: Organisation
) -> None:
    make_lot(formosa, "20", at=timezone.now())
    page = text(client.get(CLOSE))
    assert "US$20.00" in page
    assert "API keys stop working" in page
    wrong = client.post(CLOSE, {"name": "formosa"})
    assert (wrong.status_code, amounts(formosa)[0]) == (422, "US$20.00")
    assert client.post(CLOSE, {"name": formosa.name}).status_code == 302
    formosa.refresh_from_db()
    assert formosa.closed_at is not None
    assert amounts(formosa) == ("US$0.00", "US$0.00")
    assert "Final statement" in text(client.get(PAGE))


def test_closing_that_must_wait_says_why(
    client: Client, owner: User, formosa: Organisation
) -> None:
    formosa.wallet.live_calls = 1
    formosa.wallet.save(update_fields=["live_calls"])
    page = text(client.get(CLOSE))
    assert "Calls are running." in page
    assert "type its name" not in page
    late = client.post(CLOSE, {"name": formosa.name})
    assert late.status_code == 422
    assert "Calls are running." in text(late)

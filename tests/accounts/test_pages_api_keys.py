"""Key pages: developers and owners make, rotate and revoke keys of their own."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.keys import create_key, find_key
from accounts.models import ApiKey, AuditEvent, Organisation, Role, Scope, User
from tests import makers
from tests.accounts.recently import signed_in_recently
from tests.api_client import get

SECRET = re.compile(r"tg_test_[\w-]{51}")
OF_ONE = ["rotate_api_key", "revoke_api_key"]


@pytest.fixture
def dev(formosa: Organisation) -> User:
    user = makers.make_user("dev@formosa.example", name="Dev")
    makers.make_member(formosa, user, Role.DEVELOPER)
    return user


@pytest.fixture
def client(dev: User) -> Client:
    return signed_in_recently(dev)


@pytest.fixture
def key(formosa: Organisation) -> ApiKey:
    made, _secret = create_key(
        "shop", organisation=formosa, scopes=[Scope.BALANCE_READ], at=timezone.now()
    )
    return made


def send(client: Client, address: str, **given: object) -> str:
    form = client.get(address).text
    found = re.search(r'name="once" value="([^"]+)"', form)
    assert found
    return client.post(address, {"once": found.group(1), **given}).text


def add(client: Client, **given: object) -> str:
    data = {"name": "shop", "scopes": ["balance:read"], **given}
    return send(client, reverse("add_api_key"), **data)


def test_a_new_key_shows_its_secret_once_and_works(client: Client, dev: User) -> None:
    shown = add(client, allowed_ips="192.0.2.7\n2001:db8::/32, 198.51.100.0/24")
    found = SECRET.search(shown)
    assert found
    key = ApiKey.objects.get()
    assert key.allowed_ips == ["192.0.2.7", "2001:db8::/32", "198.51.100.0/24"]
    assert find_key(found.group(), timezone.now()) == key
    page = client.get(reverse("webhooks")).text
    assert found.group() not in page
    assert "shop" in page
    assert "192.0.2.7" in page
    event = AuditEvent.objects.get(verb="issue_api_key")
    assert event.actor == dev
    assert found.group() not in str(event.after)


def test_the_last_day_ends_where_the_organisation_is(
    client: Client, formosa: Organisation
) -> None:
    today = formosa.local_day(timezone.now())
    add(client, last_day=today.isoformat())
    key = ApiKey.objects.get()
    assert key.expires_at is not None
    end = key.expires_at.astimezone(formosa.zone)
    assert (end.date(), end.hour) == (today + timedelta(days=1), 0)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"scopes": []}, "This field is required."),
        ({"scopes": ["cdrs:write"]}, "Select a valid choice."),
        ({"allowed_ips": "the office"}, "the is neither an IP address nor a network."),
        ({"last_day": "2026-01-01"}, "The key would already be expired."),
    ],
)
def test_what_cannot_be_is_said_at_its_field(
    client: Client, given: dict[str, object], sentence: str
) -> None:
    assert sentence in add(client, **given)
    assert not ApiKey.objects.exists()


def test_a_reload_makes_no_second_key(client: Client) -> None:
    form = client.get(reverse("add_api_key")).text
    found = re.search(r'name="once" value="([^"]+)"', form)
    assert found
    data = {"name": "a", "scopes": ["balance:read"], "once": found.group(1)}
    for _click in range(2):
        client.post(reverse("add_api_key"), data)
    assert ApiKey.objects.count() == 1


def test_both_keys_work_for_a_day_after_a_rotation(client: Client, key: ApiKey) -> None:
    shown = send(client, reverse("rotate_api_key", args=[key.pk]))
    found = SECRET.search(shown)
    assert found
    key.refresh_from_db()
    assert key.expires_at is not None
    now = timezone.now()
    assert key.is_valid(now)
    assert not key.is_valid(now + timedelta(days=1, minutes=1))
    new = find_key(found.group(), now)
    assert new is not None
    assert (new.scopes, new.first_id) == (key.scopes, key.pk)
    again = send(client, reverse("rotate_api_key", args=[key.pk]))
    assert not SECRET.search(again)
    assert ApiKey.objects.count() == 2


def test_a_revoked_key_ends_at_once(client: Client, formosa: Organisation) -> None:
    key, secret = create_key(
        "shop", organisation=formosa, scopes=[Scope.BALANCE_READ], at=timezone.now()
    )
    assert get("/balance", secret).status_code == 200
    address = reverse("revoke_api_key", args=[key.pk])
    assert "Revoke the key" in client.get(address).text
    client.post(address)
    assert get("/balance", secret).status_code == 401
    assert "No keys." in client.get(reverse("webhooks")).text
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("role", [Role.BILLING_ADMIN, Role.VIEWER])
def test_other_roles_are_told_who_may(
    formosa: Organisation, key: ApiKey, role: Role
) -> None:
    user = makers.make_user()
    makers.make_member(formosa, user, role)
    client = signed_in_recently(user)
    addresses = [reverse("add_api_key")]
    addresses += [reverse(name, args=[key.pk]) for name in OF_ONE]
    for address in addresses:
        assert client.post(address).status_code == 403
    assert ApiKey.objects.get().revoked_at is None


def test_another_organisations_key_is_not_found(charlie: User, key: ApiKey) -> None:
    makers.make_member(
        makers.make_organisation("Contoso", slug="other"), charlie, Role.OWNER
    )
    client = signed_in_recently(charlie)
    for name in OF_ONE:
        assert client.post(reverse(name, args=[key.pk])).status_code == 404


def test_making_a_key_asks_for_a_recent_sign_in(dev: User, key: ApiKey) -> None:
    old = Client()
    old.force_login(dev, backend="django.contrib.auth.backends.ModelBackend")
    for address in (
        reverse("add_api_key"),
        reverse("rotate_api_key", args=[key.pk]),
        reverse("revoke_api_key", args=[key.pk]),
    ):
        answer = old.get(address)
        assert answer.status_code == 302
        assert "reauthenticate" in answer["Location"]

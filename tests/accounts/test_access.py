"""Who gets in: roles and permissions, the current organisation, recent sign-in."""

import time
from importlib import import_module

import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.test import RequestFactory

from accounts.access import (
    CHOSEN,
    OrganisationNeeded,
    RecentSignInNeeded,
    RoleForbids,
    SignInNeeded,
    membership_for,
    need_recent_sign_in,
    organisation_for,
    recently_signed_in,
)
from accounts.models import Organisation, Permission, Role, User
from tests import makers

READ, BUY, KEYS, MANAGE = Permission
MATRIX = {
    Role.OWNER: {READ, BUY, KEYS, MANAGE},
    Role.BILLING_ADMIN: {READ, BUY},
    Role.VIEWER: {READ},
    Role.DEVELOPER: {READ, KEYS},
}


def request_of(user: User | AnonymousUser, **session: object) -> HttpRequest:
    request = RequestFactory().get("/")
    request.user = user
    store: SessionBase = import_module(settings.SESSION_ENGINE).SessionStore()
    store.update(session)
    request.session = store
    return request


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("permission", list(Permission))
def test_each_role_may_what_the_table_says(
    formosa: Organisation, role: Role, permission: Permission
) -> None:
    """Rule 1.3."""
    dora = makers.make_user("dora@formosa.example")
    membership = makers.make_member(formosa, dora, role)
    if permission in MATRIX[role]:
        assert membership_for(request_of(dora), may=permission) == membership
        return
    with pytest.raises(RoleForbids) as refusal:
        membership_for(request_of(dora), may=permission)
    assert refusal.value.permission is permission
    assert refusal.value.membership == membership


def test_the_table_knows_every_role_and_permission() -> None:
    assert set(MATRIX) == set(Role)
    assert MATRIX[Role.OWNER] == set(Permission)


def test_nobody_signed_in_is_sent_to_sign_in(db: None) -> None:
    with pytest.raises(SignInNeeded):
        membership_for(request_of(AnonymousUser()))
    assert organisation_for(request_of(AnonymousUser())) is None


def test_somebody_without_an_organisation_opens_one(alice: User) -> None:
    with pytest.raises(OrganisationNeeded):
        membership_for(request_of(alice))
    assert organisation_for(request_of(alice)) is None


def test_an_account_that_was_switched_off_is_nobody(
    formosa: Organisation, alice: User
) -> None:
    alice.is_active = False
    with pytest.raises(SignInNeeded):
        membership_for(request_of(alice))


def test_the_session_chooses_among_ones_own_organisations(
    formosa: Organisation, contoso: Organisation, alice: User
) -> None:
    makers.make_member(contoso, alice, Role.VIEWER)
    assert organisation_for(request_of(alice)) == formosa
    chosen = request_of(alice, **{CHOSEN: contoso.pk})
    assert organisation_for(chosen) == contoso
    with pytest.raises(RoleForbids):
        membership_for(chosen, may=BUY)


def test_a_session_that_names_a_strangers_organisation_gets_its_own(
    formosa: Organisation, contoso: Organisation, alice: User
) -> None:
    assert organisation_for(request_of(alice, **{CHOSEN: contoso.pk})) == formosa


def test_a_membership_that_ended_ends_the_choice(
    formosa: Organisation, contoso: Organisation, alice: User
) -> None:
    membership = makers.make_member(contoso, alice, Role.OWNER)
    request = request_of(alice, **{CHOSEN: contoso.pk})
    membership.delete()
    assert organisation_for(request) == formosa


def signed_in_ago(user: User, seconds: float) -> HttpRequest:
    return request_of(
        user,
        account_authentication_methods=[
            {"method": "password", "at": time.time() - seconds}
        ],
        account_authentication_methods_user=str(user.pk),
    )


def test_a_sign_in_is_recent_for_ten_minutes(alice: User) -> None:
    assert recently_signed_in(signed_in_ago(alice, 590))
    assert not recently_signed_in(signed_in_ago(alice, 610))
    assert not recently_signed_in(request_of(alice))
    with pytest.raises(RecentSignInNeeded):
        need_recent_sign_in(signed_in_ago(alice, 610))


def test_another_users_sign_in_in_this_browser_proves_nothing(
    alice: User, bob: User
) -> None:
    request = signed_in_ago(bob, 1)
    request.user = alice
    assert not recently_signed_in(request)

"""The second factor: switched on, asked for, recovered from; staff need it."""

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import InvalidToken
from django.core import mail
from django.core.cache import cache
from django.test import Client, override_settings
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.verify_address import trust_address
from tests import makers
from tests.accounts.codes import activate_second_factor, app_code

PASSWORD = "correct horse battery"
ACTIVATE = "/accounts/2fa/totp/activate/"
AUTHENTICATE = "/accounts/2fa/authenticate/"
REAUTHENTICATE = "/accounts/2fa/reauthenticate/"


@pytest.fixture
def dora(db: None) -> User:
    user = makers.make_user("dora@example.com")
    trust_address(user)
    return user


@pytest.fixture
def staff(dora: User) -> User:
    dora.is_staff = dora.is_superuser = True
    dora.save()
    return dora


def sign_in(client: Client, user: User) -> str:
    """Where the password leads."""
    answer = client.post(
        "/accounts/login/", {"login": user.email, "password": PASSWORD}
    )
    assert answer.status_code == 302
    return str(answer.headers["Location"])


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def forget_used_codes() -> None:
    """As if half a minute had gone by: a code works once."""
    cache.clear()


def test_a_password_alone_no_longer_signs_in(client: Client, dora: User) -> None:
    assert sign_in(client, dora) == "/"
    secret = activate_second_factor(client)
    forget_used_codes()
    elsewhere = Client()
    assert sign_in(elsewhere, dora) == AUTHENTICATE
    assert not is_signed_in(elsewhere)
    wrong = elsewhere.post(AUTHENTICATE, {"code": "000000"})
    assert wrong.context["form"].errors
    elsewhere.post(AUTHENTICATE, {"code": app_code(secret)})
    assert is_signed_in(elsewhere)


def test_a_code_works_once(client: Client, dora: User) -> None:
    sign_in(client, dora)
    secret = activate_second_factor(client)
    forget_used_codes()
    code = app_code(secret)
    for browser, works in ((Client(), True), (Client(), False)):
        sign_in(browser, dora)
        browser.post(AUTHENTICATE, {"code": code})
        assert is_signed_in(browser) is works


def test_each_recovery_code_works_once(client: Client, dora: User) -> None:
    sign_in(client, dora)
    activate_second_factor(client)
    codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    for browser, works in ((Client(), True), (Client(), False)):
        sign_in(browser, dora)
        browser.post(AUTHENTICATE, {"code": codes[0]})
        assert is_signed_in(browser) is works


def test_seeds_are_encrypted_in_the_database(client: Client, dora: User) -> None:
    sign_in(client, dora)
    secret = activate_second_factor(client)
    rows = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in rows
    with override_settings(SECRET_KEY="x" * 50, SECRET_KEY_FALLBACKS=[]):
        totp = Authenticator.objects.get(type="totp").wrap()
        with pytest.raises(InvalidToken):
            totp.validate_code(app_code(secret))


def test_a_rotated_key_still_reads_the_seeds(
    client: Client, dora: User, settings: Settings
) -> None:
    sign_in(client, dora)
    secret = activate_second_factor(client)
    forget_used_codes()
    old = settings.SECRET_KEY
    with override_settings(SECRET_KEY="x" * 50, SECRET_KEY_FALLBACKS=[old]):
        totp = Authenticator.objects.get(type="totp").wrap()
        assert totp.validate_code(app_code(secret))


@pytest.mark.django_db(transaction=True)  # the mail goes out after the commit
def test_switching_it_on_ends_the_sessions_elsewhere_and_is_told_by_mail(
    client: Client, dora: User
) -> None:
    elsewhere = Client()
    for browser in (client, elsewhere):
        sign_in(browser, dora)
    activate_second_factor(client)
    assert client.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 302
    assert [m.subject for m in mail.outbox] == ["Authenticator App Activated"]


def test_switching_it_off_asks_for_the_factor_not_the_password(
    client: Client, dora: User
) -> None:
    sign_in(client, dora)
    activate_second_factor(client)
    answer = client.get("/accounts/2fa/totp/deactivate/")
    assert answer.headers["Location"].startswith(REAUTHENTICATE)
    by_password = client.get("/accounts/reauthenticate/")
    assert by_password.headers["Location"].startswith(REAUTHENTICATE)


@pytest.mark.parametrize("path", ["/admin/", "/admin/login/?next=/admin/"])
def test_the_admin_has_no_sign_in_of_its_own(
    client: Client, db: None, path: str
) -> None:
    answer = client.get(path)
    assert answer.headers["Location"] == "/accounts/login/?next=/admin/"
    posted = client.post(path, {"username": "a", "password": "b"})
    assert posted.headers["Location"].startswith("/accounts/login/")


def test_customers_do_not_enter_the_admin(client: Client, dora: User) -> None:
    sign_in(client, dora)
    assert client.get("/admin/").status_code == 403


def test_staff_without_a_second_factor_are_led_to_setting_one_up(
    client: Client, staff: User
) -> None:
    sign_in(client, staff)
    answer = client.get("/admin/", follow=True)
    assert answer.redirect_chain == [(ACTIVATE, 302)]
    assert "Staff sign in with two factors." in answer.content.decode()
    posted = client.post("/admin/accounts/user/add/", {"email": "eve@example.com"})
    assert posted.headers["Location"] == ACTIVATE


@pytest.mark.django_db(transaction=True)  # the session learns of it after the commit
def test_staff_enter_once_their_second_factor_is_set_up(
    client: Client, staff: User
) -> None:
    sign_in(client, staff)
    activate_second_factor(client)
    assert client.get("/admin/").status_code == 200
    assert client.get("/accounts/2fa/recovery-codes/").status_code == 200


def test_staff_enter_with_their_second_factor(client: Client, staff: User) -> None:
    sign_in(client, staff)
    secret = activate_second_factor(client)
    forget_used_codes()
    elsewhere = Client()
    sign_in(elsewhere, staff)
    elsewhere.post(AUTHENTICATE, {"code": app_code(secret)})
    assert elsewhere.get("/admin/").status_code == 200


def test_a_staff_session_without_the_second_factor_is_asked_for_it(
    client: Client, staff: User
) -> None:
    sign_in(client, staff)
    secret = activate_second_factor(client)
    forget_used_codes()
    by_password = Client()
    by_password.force_login(staff)
    answer = by_password.get("/admin/")
    assert answer.headers["Location"] == f"{REAUTHENTICATE}?next=/admin/"
    form = {"code": app_code(secret), "next": "/admin/"}
    answer = by_password.post(REAUTHENTICATE, form)
    assert answer.headers["Location"] == "/admin/"
    assert by_password.get("/admin/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_staff_whose_second_factor_is_gone_stay_out(
    client: Client, staff: User
) -> None:
    sign_in(client, staff)
    activate_second_factor(client)
    client.post("/accounts/2fa/totp/deactivate/")
    assert not Authenticator.objects.exists()
    assert client.get("/admin/").headers["Location"] == ACTIVATE


def test_development_alone_lets_staff_in_without(client: Client, staff: User) -> None:
    sign_in(client, staff)
    with override_settings(STAFF_NEED_SECOND_FACTOR=False):
        assert client.get("/admin/").status_code == 200


def test_only_the_development_settings_make_that_exception() -> None:
    from config.settings import base, dev

    assert base.STAFF_NEED_SECOND_FACTOR is True
    assert dev.STAFF_NEED_SECOND_FACTOR is False

"""Signing up proves the address with a code, and tells strangers nothing."""

import time

import pytest
from django.core import mail
from django.test import Client

from accounts.models import Language, User
from tests.accounts.codes import mailed_code

SIGN_UP = "/accounts/signup/"
CONFIRM = "/accounts/confirm-email/"
PASSWORD = "correct horse battery"


def sign_up(client: Client, email: str = "dora@example.com") -> None:
    answer = client.post(
        SIGN_UP, {"email": email, "password1": PASSWORD, "password2": PASSWORD}
    )
    assert (answer.status_code, answer.headers["Location"]) == (302, CONFIRM)


def signed_in_user(client: Client) -> str | None:
    return client.session.get("_auth_user_id")


def test_the_code_from_the_mail_signs_in(client: Client, db: None) -> None:
    sign_up(client)
    assert signed_in_user(client) is None
    answer = client.post(CONFIRM, {"code": mailed_code(mail.outbox[0])})
    assert answer.headers["Location"] == "/"
    dora = User.objects.get(email="dora@example.com")
    assert signed_in_user(client) == str(dora.pk)
    # That was a recent proof: nobody asks for the password again.
    assert client.get("/accounts/2fa/totp/activate/").status_code == 200


def test_the_code_may_be_typed_carelessly(client: Client, db: None) -> None:
    sign_up(client)
    code = mailed_code(mail.outbox[0]).replace("-", "").lower()
    client.post(CONFIRM, {"code": code})
    assert signed_in_user(client) is not None


def test_a_wrong_code_is_refused_and_the_third_ends_the_try(
    client: Client, db: None
) -> None:
    sign_up(client)
    for _try in range(2):
        answer = client.post(CONFIRM, {"code": "WRONG-CODE"})
        assert answer.context["form"].errors
    client.post(CONFIRM, {"code": "WRONG-CODE"})
    client.post(CONFIRM, {"code": mailed_code(mail.outbox[0])})
    assert signed_in_user(client) is None


def test_a_code_expires(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_up(client)
    later = time.time() + 15 * 60 + 1
    monkeypatch.setattr(
        "allauth.account.internal.flows.code_verification.time.time", lambda: later
    )
    client.post(CONFIRM, {"code": mailed_code(mail.outbox[0])})
    assert signed_in_user(client) is None


def test_an_address_that_has_an_account_looks_the_same(
    client: Client, alice: User
) -> None:
    sign_up(client, alice.email.upper())
    known = client.get(CONFIRM).content.decode()
    stranger = Client()
    sign_up(stranger, "nobody@example.com")
    unknown = stranger.get(CONFIRM).content.decode()
    assert _without_secrets(known) == _without_secrets(unknown)
    assert User.objects.filter(email__iexact=alice.email).count() == 1
    assert "Account Already Exists" in mail.outbox[0].subject
    assert "code" not in str(mail.outbox[0].body)


def test_a_password_of_nothing_but_digits_is_refused(client: Client, db: None) -> None:
    client.post(
        SIGN_UP,
        {"email": "dora@example.com", "password1": "4815162342", "password2": "1"},
    )
    assert not User.objects.exists()


def test_the_language_of_sign_up_is_kept_and_the_mail_speaks_it(
    client: Client, db: None
) -> None:
    client.cookies["django_language"] = "zh-hant"
    sign_up(client)
    assert User.objects.get().language == Language.TRADITIONAL_CHINESE
    assert "驗證代碼" in str(mail.outbox[0].body)


def _without_secrets(page: str) -> str:
    """The page without the token and the address, which differ between any two."""
    lines = page.splitlines()
    return "\n".join(line for line in lines if "csrf" not in line and "@" not in line)

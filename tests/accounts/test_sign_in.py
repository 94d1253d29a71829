"""Signing in and out, a forgotten password, and what strangers may learn: nothing."""

import re

import pytest
from django.core import mail
from django.test import Client

from accounts.models import Language, User
from accounts.verify_address import trust_address
from tests.accounts.codes import mailed_code

PASSWORD = "correct horse battery"
LOGIN = "/accounts/login/"


@pytest.fixture
def dora(alice: User) -> User:
    trust_address(alice)
    return alice


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_address_in_any_case_and_password_sign_in(client: Client, dora: User) -> None:
    answer = client.post(LOGIN, {"login": dora.email.upper(), "password": PASSWORD})
    assert answer.headers["Location"] == "/"
    assert is_signed_in(client)


def test_signing_in_leads_back_to_where_one_was_sent_from(
    client: Client, dora: User
) -> None:
    sent = client.get("/account/")
    assert sent.headers["Location"] == f"{LOGIN}?next=/account/"
    form = {"login": dora.email, "password": PASSWORD, "next": "/account/"}
    assert client.post(LOGIN, form).headers["Location"] == "/account/"


def test_signing_in_never_leads_to_another_site(client: Client, dora: User) -> None:
    form = {"login": dora.email, "password": PASSWORD, "next": "https://evil.example/"}
    assert client.post(LOGIN, form).headers["Location"] == "/"


def test_wrong_password_and_unknown_address_look_the_same(
    client: Client, dora: User
) -> None:
    answers = [
        client.post(LOGIN, {"login": login, "password": "wrong"})
        for login in (dora.email, "nobody@example.com")
    ]
    errors = [answer.context["form"].errors.as_json() for answer in answers]
    assert errors[0] == errors[1]
    assert not is_signed_in(client)


def test_an_unproven_address_is_proven_first(client: Client, alice: User) -> None:
    answer = client.post(LOGIN, {"login": alice.email, "password": PASSWORD})
    assert answer.headers["Location"] == "/accounts/confirm-email/"
    assert not is_signed_in(client)
    client.post("/accounts/confirm-email/", {"code": mailed_code(mail.outbox[0])})
    assert is_signed_in(client)


def test_the_session_changes_its_key_at_sign_in(client: Client, dora: User) -> None:
    client.get(LOGIN)
    session = client.session
    session["before"] = True
    session.save()
    client.cookies["sessionid"] = str(session.session_key)
    client.post(LOGIN, {"login": dora.email, "password": PASSWORD})
    assert client.session.session_key != session.session_key


def test_signing_out_takes_a_post(client: Client, dora: User) -> None:
    client.force_login(dora)
    client.get("/accounts/logout/")
    assert is_signed_in(client)
    answer = client.post("/accounts/logout/")
    assert answer.headers["Location"] == LOGIN
    assert not is_signed_in(client)


def test_a_forgotten_password_is_replaced_by_mail(client: Client, dora: User) -> None:
    client.post("/accounts/password/reset/", {"email": dora.email})
    link = re.search(r"http://testserver(/\S+)", str(mail.outbox[0].body))
    assert link
    form = client.get(link.group(1), follow=True)
    path = form.redirect_chain[-1][0]
    new = "a staple that is new"
    client.post(path, {"password1": new, "password2": new})
    assert not is_signed_in(client)
    client.post(LOGIN, {"login": dora.email, "password": new})
    assert is_signed_in(client)
    assert client.get(link.group(1)).status_code == 200  # says that the link is used


def test_asking_for_a_new_password_tells_no_stranger_who_has_an_account(
    client: Client, dora: User
) -> None:
    answers = [
        client.post("/accounts/password/reset/", {"email": email}, follow=True)
        for email in (dora.email, "nobody@example.com")
    ]
    assert answers[0].redirect_chain == answers[1].redirect_chain
    assert [message.to for message in mail.outbox] == [
        [dora.email],
        ["nobody@example.com"],
    ]


def test_mail_about_an_account_speaks_the_accounts_language(
    client: Client, dora: User
) -> None:
    dora.language = Language.TRADITIONAL_CHINESE
    dora.save()
    client.post("/accounts/password/reset/", {"email": dora.email})
    assert mail.outbox[0].subject == "密碼重設電子郵件"
    assert mail.outbox[0].from_email == "Tollgate <tollgate@localhost>"


def test_a_new_password_ends_the_sessions_elsewhere(client: Client, dora: User) -> None:
    elsewhere = Client()
    for browser in (client, elsewhere):
        browser.post(LOGIN, {"login": dora.email, "password": PASSWORD})
    new = "a staple that is new"
    client.post(
        "/accounts/password/change/",
        {"oldpassword": PASSWORD, "password1": new, "password2": new},
    )
    assert client.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 302


def test_a_new_address_counts_once_its_code_is_typed(
    client: Client, dora: User
) -> None:
    client.post(LOGIN, {"login": dora.email, "password": PASSWORD})
    new = "alice@tea.example"
    client.post("/accounts/email/", {"email": new, "action_add": ""})
    dora.refresh_from_db()
    assert dora.email == "alice@formosa.example"
    code = mailed_code(next(m for m in mail.outbox if m.to == [new]))
    client.post("/accounts/confirm-email/", {"code": code})
    dora.refresh_from_db()
    assert dora.email == new
    told = [m for m in mail.outbox if m.to == ["alice@formosa.example"]]
    assert [m.subject for m in told] == ["Email Changed"]


def test_a_new_address_takes_a_recent_sign_in(client: Client, dora: User) -> None:
    client.force_login(dora)  # a session of which nobody knows how it began
    new = {"email": "thief@example.com", "action_add": ""}
    answer = client.post("/accounts/email/", new)
    assert answer.headers["Location"].startswith("/accounts/reauthenticate/")
    assert mail.outbox == []
    proof = {"password": PASSWORD, "next": "/accounts/email/"}
    client.post("/accounts/reauthenticate/", proof)
    assert [message.to for message in mail.outbox] == [["thief@example.com"]]

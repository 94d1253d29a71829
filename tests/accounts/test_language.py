"""Which language a page speaks: the user's, else the cookie's, else the browser's."""

import pytest
from django.test import Client

from accounts.models import Language, User

ENGLISH, CHINESE = 'lang="en"', 'lang="zh-Hant"'
LOGIN = "/accounts/login/"


def page(client: Client, path: str, browser: str = "en") -> str:
    answer = client.get(path, headers={"accept-language": browser})
    assert answer.status_code == 200
    return answer.content.decode().split("<head>")[0]


@pytest.mark.parametrize(
    ("browser", "language"),
    [
        ("zh-TW,zh;q=0.9,en;q=0.8", CHINESE),
        ("zh-Hant", CHINESE),
        ("fr,en;q=0.5", ENGLISH),
        ("fr", ENGLISH),
    ],
)
def test_a_stranger_is_spoken_to_as_the_browser_asks(
    client: Client, db: None, browser: str, language: str
) -> None:
    assert language in page(client, LOGIN, browser)


def test_the_choice_outlives_the_visit(client: Client, db: None) -> None:
    answer = client.post(
        "/preferences/language/", {"language": "zh-hant", "next": LOGIN}
    )
    assert answer.headers["Location"] == LOGIN
    assert CHINESE in page(client, LOGIN, "en")


def test_the_users_setting_wins_over_cookie_and_browser(
    client: Client, alice: User
) -> None:
    client.force_login(alice)
    client.cookies["django_language"] = "zh-hant"
    assert ENGLISH in page(client, "/account/", "zh-TW")


def test_a_choice_while_signed_in_is_kept_on_the_account(
    client: Client, alice: User
) -> None:
    client.force_login(alice)
    client.post("/preferences/language/", {"language": "zh-hant"})
    alice.refresh_from_db()
    assert alice.language == Language.TRADITIONAL_CHINESE
    assert CHINESE in page(client, "/account/")


def test_a_language_we_do_not_speak_changes_nothing(
    client: Client, alice: User
) -> None:
    client.force_login(alice)
    client.post("/preferences/language/", {"language": "tlh"})
    alice.refresh_from_db()
    assert alice.language == Language.ENGLISH


def test_the_account_page_saves_name_and_language(client: Client, alice: User) -> None:
    client.force_login(alice)
    form = {"name": "陳怡婷", "language": "zh-hant"}
    answer = client.post("/account/", form, follow=True)
    assert 'lang="zh-Hant"' in answer.content.decode()
    alice.refresh_from_db()
    assert (alice.name, alice.language) == ("陳怡婷", "zh-hant")


def test_the_account_page_refuses_what_it_does_not_offer(
    client: Client, alice: User
) -> None:
    client.force_login(alice)
    answer = client.post("/account/", {"name": "A", "language": "tlh", "is_staff": "1"})
    assert answer.status_code == 422
    alice.refresh_from_db()
    assert (alice.name, alice.language, alice.is_staff) == ("Alice", "en", False)


@pytest.mark.parametrize(
    ("path", "english", "chinese"),
    [
        (LOGIN, "Password", "密碼"),
        ("/accounts/signup/", "Password", "密碼"),
        ("/accounts/password/reset/", "Password Reset", "密碼重設"),
    ],
)
def test_signed_out_pages_speak_both_languages(
    client: Client, db: None, path: str, english: str, chinese: str
) -> None:
    for browser, expected in (("en", english), ("zh-Hant", chinese)):
        answer = client.get(path, headers={"accept-language": browser})
        assert expected in answer.content.decode()

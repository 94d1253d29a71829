"""What people read when something is not there, not allowed or broken."""

from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import DatabaseError
from django.test import Client
from django.urls import reverse

from accounts.models import Organisation, User
from tests.billing.test_pages_access import signed_in


def test_a_page_that_is_not_there_names_the_request(db: None) -> None:
    answer = Client().get("/nowhere/", headers={"X-Request-Id": "abcdefgh-1234"})
    assert answer.status_code == 404
    assert "This page does not exist." in answer.text
    assert "abcdefgh-1234" in answer.text
    assert "Nothing was charged." in answer.text


def test_a_broken_page_says_so_without_asking_the_database_again(
    alice: User, formosa: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_more: object) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr("billing.views.overview.read_overview", broken)
    monkeypatch.setattr("accounts.models.ProviderSettings.current", broken)
    client = signed_in(alice)
    client.raise_request_exception = False
    answer = client.get("/", headers={"X-Request-Id": "abcdefgh-1234"})
    assert answer.status_code == 500
    assert "Something went wrong on our side." in answer.text
    assert "abcdefgh-1234" in answer.text
    assert "gone" not in answer.text


def test_errors_speak_chinese_too(db: None) -> None:
    answer = Client().get("/nowhere/", headers={"Accept-Language": "zh-TW"})
    assert "此頁面不存在。" in answer.text
    assert '<html lang="zh-Hant"' in answer.text


@pytest.mark.parametrize("path", ["/", "/credits/", "/usage/", "/help/"])
def test_pages_carry_the_policy(alice: User, formosa: Organisation, path: str) -> None:
    policy = signed_in(alice).get(path)["Content-Security-Policy"]
    for rule in ("script-src 'self'", "style-src 'self'", "object-src 'none'"):
        assert rule in policy
    assert "unsafe" not in policy


def test_htmx_evaluates_nothing_and_adds_no_styles(db: None) -> None:
    text = Client().get("/help/").text
    assert '{"includeIndicatorStyles": false, "allowEval": false}' in text
    assert "django_htmx/htmx-2.min.js" in text


# --- what readers choose ----------------------------------------------------------


def test_the_theme_is_kept_in_a_cookie_and_stands_in_the_first_byte_of_the_page(
    db: None,
) -> None:
    client = Client()
    answer = client.post("/preferences/theme/", {"theme": "dark", "next": "/help/"})
    assert answer["Location"] == "/help/"
    assert '<html lang="en" data-theme="dark">' in client.get("/help/").text
    client.post("/preferences/theme/", {"theme": ""})
    assert "data-theme" not in client.get("/help/").text.split(">")[1]


@pytest.mark.parametrize("theme", ["blue", '"><script>', "dark light"])
def test_an_unknown_theme_is_none(db: None, theme: str) -> None:
    client = Client()
    client.post("/preferences/theme/", {"theme": theme})
    client.cookies["theme"] = theme
    assert '<html lang="en">' in client.get("/help/").text


@pytest.mark.parametrize("address", ["https://elsewhere.example/", "//elsewhere", ""])
def test_choosing_leads_nowhere_else(db: None, address: str) -> None:
    chosen = {"theme": "dark", "language": "en", "next": address}
    for name in ("choose_theme", "choose_language"):
        answer = Client().post(reverse(name), chosen)
        assert "elsewhere" not in answer["Location"]


def test_every_static_file_a_page_names_is_there(db: None) -> None:
    static = Path(django_settings.STATICFILES_DIRS[0])
    for name in ("app.css", "app.js", "icon.svg"):
        assert f"/static/{name}" in Client().get("/help/").text
        assert (static / name).is_file()

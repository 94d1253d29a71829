"""Every limit answers 429 and says when to come back; the counts outlive a process."""

import pytest
from django.core.cache import cache
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory

from accounts.middleware import AccessMiddleware
from accounts.models import User
from accounts.rate_limits import TooManyRequests, count_request
from accounts.verify_address import trust_address
from tests.accounts.codes import activate_second_factor

PASSWORD = "correct horse battery"


def post(client: Client, path: str, form: dict[str, str], address: str) -> int:
    answer = client.post(path, form, headers={}, REMOTE_ADDR=address)
    if answer.status_code == 429:
        assert answer.headers["Retry-After"] == "60"
        assert "Too many tries" in answer.content.decode()
    return answer.status_code


def test_guessing_one_accounts_password_is_stopped_from_anywhere(
    client: Client, alice: User
) -> None:
    guess = {"login": alice.email, "password": "wrong"}
    codes = [
        post(client, "/accounts/login/", guess, f"192.0.2.{number}")
        for number in range(6)
    ]
    assert codes == [200, 200, 200, 200, 200, 429]


def test_guessing_many_accounts_from_one_address_is_stopped(
    client: Client, db: None
) -> None:
    codes = [
        post(
            client,
            "/accounts/login/",
            {"login": f"user{number}@example.com", "password": "wrong"},
            "192.0.2.1",
        )
        for number in range(11)
    ]
    assert codes == [200] * 10 + [429]


def test_guessing_codes_of_the_second_factor_is_stopped(
    client: Client, alice: User
) -> None:
    trust_address(alice)
    form = {"login": alice.email, "password": PASSWORD}
    client.post("/accounts/login/", form)
    activate_second_factor(client)
    thief = Client()
    thief.post("/accounts/login/", form)
    codes = [
        post(
            thief,
            "/accounts/2fa/authenticate/",
            {"code": f"{number:06}"},
            f"192.0.2.{number}",
        )
        for number in range(6)
    ]
    assert codes == [200, 200, 200, 200, 200, 429]


def test_signing_up_in_bulk_is_stopped(client: Client, db: None) -> None:
    codes = [
        post(Client(), "/accounts/signup/", {"email": f"{number}"}, "192.0.2.1")
        for number in range(21)
    ]
    assert codes == [200] * 20 + [429]


def test_flooding_a_mailbox_with_reset_mails_is_stopped(
    client: Client, alice: User
) -> None:
    codes = [
        post(
            client,
            "/accounts/password/reset/",
            {"email": alice.email},
            f"192.0.2.{number}",
        )
        for number in range(4)
    ]
    assert codes == [302, 302, 302, 429]


def test_asking_for_new_codes_in_a_row_is_stopped(client: Client, db: None) -> None:
    form = {"email": "dora@example.com", "password1": PASSWORD, "password2": PASSWORD}
    assert post(client, "/accounts/signup/", form, "192.0.2.1") == 302
    assert post(Client(), "/accounts/signup/", form, "192.0.2.2") == 429


def test_a_stranger_does_not_lock_out_others(client: Client, alice: User) -> None:
    trust_address(alice)
    for number in range(6):
        guess = {"login": "bob@formosa.example", "password": "wrong"}
        post(client, "/accounts/login/", guess, f"192.0.2.{number}")
    form = {"login": alice.email, "password": PASSWORD}
    assert post(Client(), "/accounts/login/", form, "192.0.2.99") == 302


@pytest.mark.django_db
def test_counts_live_in_the_database() -> None:
    cache.set("counted", 1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM cache_entry")
        (rows,) = cursor.fetchone()
    assert rows == 1


def test_a_limit_of_our_own_ends_in_the_same_answer(alice: User) -> None:
    request = RequestFactory().post("/credits/add/")
    request.user = alice
    for _time in range(20):
        count_request(request, "start_top_up")
    with pytest.raises(TooManyRequests) as refusal:
        count_request(request, "start_top_up")
    door = AccessMiddleware(lambda _request: HttpResponse())
    answer = door.process_exception(request, refusal.value)
    assert answer is not None
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")


def test_a_limit_that_is_not_configured_is_a_mistake_not_a_free_pass(
    alice: User,
) -> None:
    request = RequestFactory().post("/")
    request.user = alice
    with pytest.raises(KeyError):
        count_request(request, "no_such_limit")

"""The answer to a role that is not enough names the roles and the people that are."""

from django.http import HttpResponse
from django.test import Client, RequestFactory

from accounts.access import RoleForbids
from accounts.middleware import AccessMiddleware
from accounts.models import Organisation, Permission, User


def test_the_page_names_who_may(
    client: Client, formosa: Organisation, alice: User, bob: User
) -> None:
    membership = bob.memberships.get()
    client.force_login(bob)
    request = client.get("/account/").wsgi_request
    answer = AccessMiddleware(lambda _request: HttpResponse()).process_exception(
        request, RoleForbids(membership, Permission.BUY)
    )
    assert answer is not None
    assert answer.status_code == 403
    page = answer.content.decode()
    assert "Owner" in page
    assert "Billing admin" in page
    assert alice.name in page
    assert "Developer" not in page


def test_another_exception_is_not_ours(db: None) -> None:
    request = RequestFactory().get("/")
    door = AccessMiddleware(lambda _request: HttpResponse())
    assert door.process_exception(request, ValueError()) is None

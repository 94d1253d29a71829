"""Language, and the ways a request ends that `accounts/access.py` raises."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.shortcuts import redirect, render
from django.urls import reverse

from accounts.access import OrganisationNeeded, RoleForbids, SignInNeeded
from accounts.models import Role


class LanguageMiddleware(LocaleMiddleware):
    """Django's own, by our name: cookie, then what the browser asks for."""


class AccessMiddleware:
    """Turns the exceptions of `accounts/access.py` into answers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(
        self, request: HttpRequest, error: Exception
    ) -> HttpResponse | None:
        if isinstance(error, SignInNeeded):
            return redirect_to_login(
                request.get_full_path(), reverse(settings.LOGIN_URL)
            )
        if isinstance(error, OrganisationNeeded):
            return redirect("open_organisation")
        if isinstance(error, RoleForbids):
            roles = [role for role in Role if role.may(error.permission)]
            holders = error.membership.organisation.memberships.filter(role__in=roles)
            context = {
                "permission": error.permission,
                "roles": roles,
                "holders": holders.select_related("user"),
            }
            return render(request, "accounts/role_forbids.html", context, status=403)
        return None

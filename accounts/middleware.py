"""What happens around every view: request id, language, doors and their answers."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.access import (
    OrganisationNeeded,
    RoleForbids,
    SignInNeeded,
    has_second_factor,
    used_second_factor,
)
from accounts.models import Role, User
from accounts.rate_limits import TooManyRequests, too_many_requests
from accounts.request_id import HEADER, begin_request, end_request

Answer = Callable[[HttpRequest], HttpResponse]
_SENT_AS = f"HTTP_{HEADER.upper().replace('-', '_')}"


class RequestIdMiddleware:
    """Names the request, for the audit trail, the log and whoever asked."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = begin_request(request.META.get(_SENT_AS))
        try:
            response = self.get_response(request)
        finally:
            end_request()
        response[HEADER] = request_id
        return response


class LanguageMiddleware(LocaleMiddleware):
    """The user's own setting, else the cookie, else what the browser asks for."""

    def process_request(self, request: HttpRequest) -> None:
        if not isinstance(request.user, User):
            super().process_request(request)
            return
        translation.activate(request.user.language)
        request.LANGUAGE_CODE = translation.get_language()


class StaffMiddleware:
    """Only staff enter the admin, and only with a second factor.

    The admin's own sign-in form knows neither factor nor rate limit, so it is never
    shown: everybody signs in at one door.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponse],
        args: tuple[object, ...],
        kwargs: dict[str, object],
    ) -> HttpResponse | None:
        match = request.resolver_match
        if match is None or "admin" not in match.app_names:
            return None
        if match.url_name == "logout":
            return None
        if not isinstance(request.user, User):
            return _to_sign_in(request, match.url_name)
        if not request.user.is_staff:
            raise PermissionDenied
        return self._second_factor(request, request.user)

    def _second_factor(self, request: HttpRequest, user: User) -> HttpResponse | None:
        if not settings.STAFF_NEED_SECOND_FACTOR:
            return None
        if not has_second_factor(user):
            messages.info(
                request,
                _(
                    "Staff sign in with two factors. "
                    "Set up your authenticator app first."
                ),
            )
            return redirect("mfa_activate_totp")
        if not used_second_factor(request):
            return redirect_to_login(
                request.get_full_path(), reverse("mfa_reauthenticate")
            )
        return None


class AccessMiddleware:
    """Turns the exceptions of `accounts/access.py` into answers."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(
        self, request: HttpRequest, error: Exception
    ) -> HttpResponse | None:
        if isinstance(error, SignInNeeded):
            return _to_sign_in(request)
        if isinstance(error, OrganisationNeeded):
            return redirect("open_organisation")
        if isinstance(error, RoleForbids):
            return _role_forbids(request, error)
        if isinstance(error, TooManyRequests):
            return too_many_requests(request)
        return None


def _to_sign_in(request: HttpRequest, url_name: str | None = None) -> HttpResponse:
    # The admin's sign-in page would lead straight back to itself.
    wanted = reverse("admin:index") if url_name == "login" else request.get_full_path()
    return redirect_to_login(wanted, reverse(settings.LOGIN_URL))


def _role_forbids(request: HttpRequest, error: RoleForbids) -> HttpResponse:
    roles = [role for role in Role if role.may(error.permission)]
    holders = error.membership.organisation.memberships.filter(role__in=roles)
    context: dict[str, Any] = {
        "permission": error.permission,
        "roles": roles,
        "role": Role(error.membership.role),
        "holders": holders.filter(user__is_active=True).select_related("user"),
    }
    return render(request, "accounts/role_forbids.html", context, status=403)

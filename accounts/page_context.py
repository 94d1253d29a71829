"""What every page needs to know: the provider, and who is acting for whom."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.access import current_membership, memberships_of
from accounts.models import ProviderSettings
from accounts.request_id import current_request_id

THEME_COOKIE = "theme"
THEMES = ("light", "dark")  # without the cookie the system decides


def provider_and_membership(request: HttpRequest) -> dict[str, Any]:
    """Lazy, so that a page which shows neither asks the database for neither."""
    return {
        "provider": SimpleLazyObject(ProviderSettings.current),
        "membership": SimpleLazyObject(lambda: current_membership(request)),
        "memberships": SimpleLazyObject(lambda: memberships_of(request)),
        "request_id": current_request_id(),
        "theme": theme if (theme := _theme(request)) in THEMES else "",
    }


def _theme(request: HttpRequest) -> str:
    return str(request.COOKIES.get(THEME_COOKIE, ""))

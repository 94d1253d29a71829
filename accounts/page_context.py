"""What every page needs to know: the provider, and who is acting for whom."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.access import current_membership
from accounts.models import ProviderSettings


def provider_and_membership(request: HttpRequest) -> dict[str, Any]:
    """Lazy, so that a page which shows neither asks the database for neither."""
    return {
        "provider": SimpleLazyObject(ProviderSettings.current),
        "membership": SimpleLazyObject(lambda: current_membership(request)),
    }

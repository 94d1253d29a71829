"""How often somebody may try: counted in the shared cache, answered with 429.

The numbers stand in `ACCOUNT_RATE_LIMITS`, the library's and ours side by side; a limit
named there is counted by `count_request(request, "start_top_up")` in the view.
"""

from allauth.core import ratelimit
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

RETRY_AFTER_SECONDS = 60


class TooManyRequests(Exception):
    """The limit is reached; the middleware answers 429."""


def count_request(request: HttpRequest, limit: str, *, key: str | None = None) -> None:
    """Counts this request against a limit; raises TooManyRequests beyond it."""
    if limit not in settings.ACCOUNT_RATE_LIMITS:
        raise KeyError(limit)  # the library would let it pass
    if not ratelimit.consume(request, action=limit, key=key):
        raise TooManyRequests


def too_many_requests(
    request: HttpRequest, exception: Exception | None = None
) -> HttpResponse:
    """The answer, for our own limits and the sign-in library's."""
    response = render(request, "429.html", status=429)
    response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response

"""Every address Tollgate answers; each app contributes its own file."""

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path, re_path

from billing.webhooks import StripeWebhook
from config.api import api
from config.problems import unknown_path


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; says nothing about the database."""
    return HttpResponse("ok", content_type="text/plain")


# The sign-in library looks here for what to answer beyond a rate limit.
handler429 = "accounts.rate_limits.too_many_requests"

handler500 = "config.errors.server_error"
urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("", include("accounts.urls")),
    path("webhooks/", include("accounts.endpoints.urls")),
    path("api-keys/", include("accounts.api_keys.urls")),
    path("", include("billing.urls")),
    path("", include("calling.urls")),
    path("plans/", include("calling.plans.urls")),
    path("lines/", include("calling.lines.urls")),
    path("live-calls/", include("calling.live.urls")),
    path("call-permissions/", include("calling.permission.urls")),
    path("spending-limit/", include("calling.spending.urls")),
    path("stripe/webhook/<uuid:uuid>/", StripeWebhook.as_view()),
    path("stripe/", include("djstripe.urls", namespace="djstripe")),
    path("healthz", healthz),
    path("api/v1/", unknown_path),  # the framework would answer with a page
    path("api/v1/", api.urls),
    re_path(r"^api/", unknown_path),
]
if apps.is_installed("sandbox"):
    urlpatterns.append(path("", include("sandbox.urls")))

"""A constant JSON view, and one with a single SELECT, beside the product's addresses.

Served by the same web server, in the same processes; without any middleware, so they
are as fast as a Django view can be.
"""

from django.contrib.auth.models import Permission
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from config import urls

TRIVIAL, ONE_SELECT = "/bench/trivial", "/bench/one-select"


def trivial(request: HttpRequest) -> HttpResponse:
    return answer({"decision": "allow"})


def one_select(request: HttpRequest) -> HttpResponse:
    name = Permission.objects.values_list("codename", flat=True).get(pk=1)
    return answer({"decision": "allow", "name": name})


def answer(body: dict[str, str]) -> HttpResponse:
    """With its length, as the middleware would give it."""
    response = JsonResponse(body)
    response.headers["Content-Length"] = str(len(response.content))
    return response


urlpatterns = [
    path(TRIVIAL[1:], trivial),
    path(ONE_SELECT[1:], one_select),
    *urls.urlpatterns,
]
handler429 = urls.handler429
handler500 = urls.handler500

"""The API: one `NinjaAPI`, a router per app, keys, and errors in one shape."""

import base64
import binascii

from django.http import HttpRequest
from django.utils import timezone
from ninja import NinjaAPI
from ninja.security import HttpBearer

from accounts.keys import find_key
from accounts.models import ApiKey
from billing.api import router as billing_router
from calling.api import router as calling_router
from config.problems import add_problem_handlers


class KeyAuth(HttpBearer):
    """`Authorization: Bearer <key>`; Basic with the key as user name is accepted too.

    FreeSWITCH and FreeRADIUS can do only Basic.
    """

    def __call__(self, request: HttpRequest) -> ApiKey | None:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            value = _user_of(value)
        elif scheme.lower() != "bearer":
            return None
        return self.authenticate(request, value.strip())

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey | None:
        return find_key(token, timezone.now())


def _user_of(credentials: str) -> str:
    try:
        decoded = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return decoded.partition(":")[0]


api = NinjaAPI(
    title="Tollgate",
    version="1",
    description="Communications credits and calling plans.",
    urls_namespace="api",
    auth=KeyAuth(),
)
add_problem_handlers(api)
api.add_router("", billing_router)
api.add_router("", calling_router)

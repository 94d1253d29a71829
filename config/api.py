"""The API: one `NinjaAPI`, a router per app, keys, and errors in one shape."""

import base64
import binascii
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.security import HttpBearer

from accounts.api import router as accounts_router
from accounts.keys import find_key
from accounts.models import ApiKey
from billing.api import router as billing_router
from billing.recharging.api import router as recharge_router
from calling.api import router as calling_router
from calling.intake.api import router as intake_router
from calling.rates.api import router as rates_router
from config.problems import PROBLEM_JSON, add_problem_handlers


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


class TollgateAPI(NinjaAPI):
    """Says in its contract that refusals are `application/problem+json`."""

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: Any = None
    ) -> OpenAPISchema:
        schema = super().get_openapi_schema(
            path_prefix=path_prefix, path_params=path_params
        )
        for methods in schema["paths"].values():
            for operation in methods.values():
                for status, answer in operation["responses"].items():
                    content = answer.get("content", {})
                    if int(status) >= 400 and "application/json" in content:
                        content[PROBLEM_JSON] = content.pop("application/json")
        return schema


api = TollgateAPI(
    title="Tollgate",
    version="1",
    description="Communications credits and calling plans.",
    urls_namespace="api",
    auth=KeyAuth(),
)
add_problem_handlers(api)
api.add_router("", accounts_router)
api.add_router("", billing_router)
api.add_router("", recharge_router)
api.add_router("", calling_router)
api.add_router("", intake_router)
api.add_router("", rates_router)

"""The API: one `NinjaAPI`, a router per app, keys, and errors in one shape."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation
from ninja.parser import Parser

from accounts.api import router as accounts_router
from accounts.api_access import KeyAuth, quota_standing
from accounts.api_bodies import read_json
from billing.api import router as billing_router
from billing.recharging.api import router as recharge_router
from calling.api import router as calling_router
from calling.authorise.api import router as authorise_router
from calling.intake.api import router as intake_router
from calling.rates.api import router as rates_router
from calling.usage.api import router as usage_router
from config.contract import DESCRIPTION, complete
from config.problems import add_problem_handlers, wrong_method
from credits.api import router as credits_router


class JsonParser(Parser):
    """Takes what says that it is JSON, and refuses the rest by name."""

    def parse_body(self, request: HttpRequest) -> Any:
        return read_json(request)


def finished(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """The last hand on every answer: how the key stands, and 405 as a problem."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        if response.status_code == 405:
            response = wrong_method(request, allow=response["Allow"])
        standing = quota_standing(request)
        for name, value in standing.headers.items() if standing else ():
            response[name] = value
        return response

    return answer


class TollgateAPI(NinjaAPI):
    """Finishes every answer and its own contract (config/contract.py)."""

    def _get_urls(self) -> list[URLResolver | URLPattern]:
        patterns = super()._get_urls()
        for pattern in patterns:
            if isinstance(pattern, URLPattern):
                pattern.callback = finished(pattern.callback)
        return patterns

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: Any = None
    ) -> OpenAPISchema:
        schema = super().get_openapi_schema(
            path_prefix=path_prefix, path_params=path_params
        )
        complete(schema)
        return schema

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__


api = TollgateAPI(
    title="Tollgate",
    version="1",
    description=DESCRIPTION,
    urls_namespace="api",
    auth=KeyAuth(),
    parser=JsonParser(),
)
add_problem_handlers(api)
api.add_router("", accounts_router)
api.add_router("", credits_router)
api.add_router("", billing_router)
api.add_router("", recharge_router)
api.add_router("", calling_router)
api.add_router("", authorise_router)
api.add_router("", intake_router)
api.add_router("", rates_router)
api.add_router("", usage_router)

"""The API: one `NinjaAPI`, a router per app, keys, and errors in one shape."""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from django.core.exceptions import TooManyFieldsSent
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
from billing.statements.api import router as statements_router
from calling.api import router as calling_router
from calling.authorise.api import router as authorise_router
from calling.intake.api import router as intake_router
from calling.rates.api import router as rates_router
from calling.usage.api import router as usage_router
from config.contract import DESCRIPTION, complete
from config.problems import add_problem_handlers, not_known, wrong_method
from credits.api import router as credits_router


class JsonParser(Parser):
    """Takes what says that it is JSON, and refuses the rest by name."""

    def parse_body(self, request: HttpRequest) -> Any:
        return read_json(request)


def finished(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Both ends of every answer: names we do not know, how the key stands, and 405."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            unknown = names_not_known(request)
        except TooManyFieldsSent:
            return not_known(request, [])
        if unknown:
            return not_known(request, unknown)
        response = view(request, *args, **kwargs)
        if response.status_code == 405:
            response = wrong_method(request, allow=response["Allow"])
        standing = quota_standing(request)
        for name, value in standing.headers.items() if standing else ():
            response[name] = value
        return response

    return answer


def names_not_known(request: HttpRequest) -> list[str]:
    """Parameters of the address that the operation does not have, so typos show.

    Senders of call records put their own there; those are ignored.
    """
    match = request.resolver_match
    if not request.GET or match is None:
        return []
    named = known_names().get((request.method, match.route))
    return sorted(set(request.GET) - named) if named is not None else []


@cache
def known_names() -> dict[tuple[str | None, str], frozenset[str]]:
    """By method and route, what may follow the question mark."""
    return {
        (method.upper(), _route(path)): frozenset(
            one["name"] for one in operation["parameters"] if one["in"] == "query"
        )
        for path, methods in api.get_openapi_schema()["paths"].items()
        for method, operation in methods.items()
        if "/ingest/" not in path
    }


def _route(path: str) -> str:
    return path.removeprefix("/").replace("{", "<").replace("}", ">")


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
api.add_router("", statements_router)
api.add_router("", calling_router)
api.add_router("", authorise_router)
api.add_router("", intake_router)
api.add_router("", rates_router)
api.add_router("", usage_router)

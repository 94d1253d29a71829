"""Turns every refusal into `application/problem+json` (RFC 9457).

The sentence and the code are those of the form and the admin: a verb's refusal, a
constraint, a field. Nothing here decides anything.
"""

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import ninja.errors
from django.core.exceptions import (
    NON_FIELD_ERRORS,
    RequestDataTooBig,
    ValidationError,
)
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI

from accounts.api_access import KeyNotValid
from accounts.api_bodies import BodyTooLarge, NotJson
from accounts.rate_limits import RETRY_AFTER_SECONDS, TooManyRequests
from accounts.refusals import TollgateError
from accounts.request_id import current_request_id
from billing.refusals import CreditsNotForSale, codes_of
from config.contract import PROBLEM_JSON

logger = logging.getLogger(__name__)
FOR_SWITCHES = ("/calls/", "/cdrs", "/ingest/")


def problem(
    request: HttpRequest,
    *,
    status: int,
    code: str,
    detail: str,
    errors: list[dict[str, str]] | None = None,
) -> HttpResponse:
    body = {
        "type": request.build_absolute_uri(f"/problems/{code.replace('_', '-')}"),
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": detail,
        "instance": f"/requests/{current_request_id()}",
        "code": code,
        "errors": errors or [],
    }
    response = JsonResponse(body, status=status, content_type=PROBLEM_JSON)
    if status == 401:
        response["WWW-Authenticate"] = _challenge(request.path)
    return response


def _challenge(path: str) -> str:
    """Basic is offered to switches alone: a browser would ask a person for it."""
    is_for_switches = path.removeprefix("/api/v1").startswith(FOR_SWITCHES)
    return 'Bearer, Basic realm="Tollgate"' if is_for_switches else "Bearer"


@csrf_exempt  # a key, not a cookie, says who asks
def unknown_path(request: HttpRequest) -> HttpResponse:
    """Answers everything below /api/ that is not an operation."""
    return _not_found(request, Http404())


def add_problem_handlers(api: NinjaAPI) -> None:
    api.add_exception_handler(TooManyRequests, _too_many)
    api.add_exception_handler(TollgateError, _refused)
    api.add_exception_handler(ValidationError, _not_valid)
    api.add_exception_handler(ninja.errors.ValidationError, _not_understood)
    api.add_exception_handler(ninja.errors.HttpError, _http_error)
    api.add_exception_handler(Http404, _not_found)
    api.add_exception_handler(RequestDataTooBig, _too_large)
    api.add_exception_handler(Exception, _crashed)


def wrong_method(request: HttpRequest, *, allow: str) -> HttpResponse:
    """Answers a method that the path does not have."""
    response = problem(
        request,
        status=405,
        code="method_not_allowed",
        detail=_("This address takes: %(methods)s.") % {"methods": allow},
    )
    response["Allow"] = allow
    return response


def not_known(request: HttpRequest, names: Sequence[str]) -> HttpResponse:
    """Answers parameters of the address that nobody reads."""
    detail = _("There is no such parameter.")
    errors = [
        {"pointer": f"/{name}", "detail": detail, "code": "extra_forbidden"}
        for name in names
    ]
    return _with_errors(request, errors)


def _with_errors(
    request: HttpRequest, errors: Sequence[dict[str, str]]
) -> HttpResponse:
    return problem(
        request,
        status=422,
        code="not_valid",
        detail=_("The request has values that cannot be accepted."),
        errors=list(errors),
    )


def _refused(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(request, status=error.status, code=error.code, detail=str(error))


def _not_valid(request: HttpRequest, error: Any) -> HttpResponse:
    if CreditsNotForSale.code in codes_of(error):
        return _refused(request, CreditsNotForSale())
    return _with_errors(request, list(_field_errors(error)))


def _field_errors(error: ValidationError) -> Iterator[dict[str, str]]:
    by_field = (
        error.error_dict
        if hasattr(error, "error_dict")
        else {NON_FIELD_ERRORS: error.error_list}
    )
    for field, problems in by_field.items():
        pointer = "" if field == NON_FIELD_ERRORS else f"/{field}"
        for one in problems:
            detail = " ".join(one.messages)
            yield {"pointer": pointer, "detail": detail, "code": one.code or ""}


def _not_understood(request: HttpRequest, error: Any) -> HttpResponse:
    errors = [
        {
            "pointer": _pointer(one["loc"]),
            "detail": one["msg"],
            "code": one["type"],
        }
        for one in error.errors
    ]
    return _with_errors(request, errors)


def _pointer(place: Sequence[str | int]) -> str:
    """("body", "payload", "amount") → /amount: the first two name our argument.

    A parameter of the address has no argument of its own: ("query", "limit") → /limit.
    """
    named = place[2:] if place[0] == "body" else place[1:]
    return "/" + "/".join(map(str, named)) if named else ""


HTTP_ERRORS = {
    400: (NotJson.code, NotJson.sentence),
    401: (KeyNotValid.code, KeyNotValid.sentence),
    403: ("forbidden", gettext_lazy("This is not allowed.")),
    413: (BodyTooLarge.code, BodyTooLarge.sentence),
    429: ("too_many_requests", gettext_lazy("Too many requests; wait a moment.")),
}


def _http_error(request: HttpRequest, error: Any) -> HttpResponse:
    if isinstance(error.__cause__, TollgateError):  # the framework hides it in a 400
        return _refused(request, error.__cause__)
    status = error.status_code
    code, detail = HTTP_ERRORS.get(status, ("refused", str(error)))
    return problem(request, status=status, code=code, detail=str(detail))


def _too_many(request: HttpRequest, error: Any) -> HttpResponse:
    answer = _http_error(request, ninja.errors.HttpError(429, ""))
    answer["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return answer


def _too_large(request: HttpRequest, error: Any) -> HttpResponse:
    return _refused(request, BodyTooLarge())


def _not_found(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(
        request, status=404, code="not_found", detail=_("There is nothing here.")
    )


def _crashed(request: HttpRequest, error: Any) -> HttpResponse:
    logger.error("%s %s crashed", request.method, request.path, exc_info=error)
    return crashed(request)


def crashed(request: HttpRequest) -> HttpResponse:
    """Answers a request that something broke at, once that is noted."""
    return problem(
        request,
        status=500,
        code="server_error",
        detail=_("Something broke here. It was noted; nothing was charged."),
    )

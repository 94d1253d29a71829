"""Reads a request's body as JSON or as a form, and answers JSON or plain lines.

Switches that cannot write JSON (Asterisk's CURL(), RFC 1866 forms) send a form and read
`key=value` lines. Every operation takes JSON; one that takes forms as well says so.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.refusals import TollgateError

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


class BodyTooLarge(TollgateError):
    """The body is larger than DATA_UPLOAD_MAX_MEMORY_SIZE."""

    code = "too_large"
    sentence = _("The request is larger than is accepted.")
    status = 413


class MediaTypeNotSupported(TollgateError):
    """The body is of a type this operation does not read."""

    code = "media_type_not_supported"
    sentence = _("Send the body as %(wanted)s, and say so in Content-Type.")
    status = 415


class NotJson(TollgateError):
    """The body says that it is JSON, and is not."""

    code = "not_json"
    sentence = _("The body is not JSON.")
    status = 400


def media_type(request: HttpRequest) -> str:
    """What the body says it is, in small letters and without parameters."""
    said = request.headers.get("Content-Type", "")
    return said.partition(";")[0].strip().lower()


def need_json(request: HttpRequest) -> None:
    """Refuses a body that does not say it is JSON."""
    said = media_type(request)
    if said != JSON and not (
        said.startswith("application/") and said.endswith("+json")
    ):
        raise MediaTypeNotSupported(wanted=JSON)


def read_json(request: HttpRequest) -> Any:
    """The body's value; raises what is wrong with it."""
    need_json(request)
    try:
        return json.loads(body_of(request))
    except (ValueError, RecursionError):
        raise NotJson from None


def read_fields(request: HttpRequest) -> dict[str, Any]:
    """The fields of a JSON object or of a form, whose values are texts.

    A name that comes twice in a form counts once, its last value; an empty value is a
    field left out, since a dialplan has no other way to leave one out.
    """
    if media_type(request) != FORM:
        value = read_json(request)
        if not isinstance(value, dict):
            raise NotJson(_("The body is not a JSON object."))
        return value
    try:
        # In UTF-8, whatever charset the type names.
        sent = QueryDict(body_of(request), encoding="utf-8")
    except TooManyFieldsSent:
        raise BodyTooLarge from None
    return {name: str(value) for name, value in sent.items() if value}


def body_of(request: HttpRequest) -> bytes:
    """The body as it came; raises BodyTooLarge."""
    try:
        return request.body
    except RequestDataTooBig:
        raise BodyTooLarge from None


def wants_text(request: HttpRequest) -> bool:
    """Asked for plain lines: by `?format=text`, or by Accept before any JSON."""
    if request.GET.get("format") == "text":
        return True
    accepted = request.headers.get("Accept", "")
    return accepted.startswith("text/plain")


def text_answer(body: Mapping[str, Any], *, status: int = 200) -> HttpResponse:
    """One `name=value` line for each fact, those of an object as `sip.code=402`.

    What is null is left out; line breaks in a value become spaces.
    """
    lines = "".join(f"{name}={value}\n" for name, value in _facts(body))
    return HttpResponse(lines, status=status, content_type="text/plain; charset=utf-8")


def _facts(body: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, str]]:
    for name, value in body.items():
        if isinstance(value, Mapping):
            yield from _facts(value, f"{within}{name}.")
        elif isinstance(value, list):
            items = {str(place): one for place, one in enumerate(value, start=1)}
            yield from _facts(items, f"{within}{name}.")
        elif isinstance(value, bool):
            yield within + name, str(value).lower()
        elif value is not None:
            yield within + name, " ".join(str(value).split())

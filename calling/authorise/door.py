"""The short way in for the one request that switches send all day.

A middleware that stands before those for pages, which do nothing for a switch. It
answers what is as usual: JSON, a known key, a question that is as it should be. All
else (a form, plain text, an emergency, a key it does not know, a body that is not as it
should be) goes the long way through the same verb, where it is answered in full
(calling/authorise/api.py). Whatever breaks is answered with 500 and noted, as anywhere;
a call for help has gone the long way by then, and nothing on it needs the database.
"""

import json
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from pydantic import ValidationError

from accounts.api_access import NAMED_IN, secret_in
from accounts.api_bodies import JSON
from accounts.keys import recall_key
from accounts.models import ApiKey, Scope
from accounts.token_bucket import take_token
from calling.authorise.authorise import authorise_call
from calling.authorise.bodies import AuthorizeBody, question_of
from calling.authorise.emergency import is_for_help
from calling.authorise.remember import provider_facts
from calling.models import Source

PATH = "/api/v1/calls/authorize"
_NAMED_IN = f"HTTP_{NAMED_IN.upper().replace('-', '_')}"
Answer = Callable[[HttpRequest], HttpResponse]


class LongWay(Exception):
    """Not a usual request: the API answers it."""


class AuthoriseDoor:
    """Answers the usual question itself, and hands on every other request."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info == PATH and request.method == "POST":
            try:
                return answer_usual(request)
            except (LongWay, ValidationError, RequestDataTooBig):
                return self.get_response(request)
        return self.get_response(request)


def answer_usual(request: HttpRequest) -> HttpResponse:
    """The answer. Raises LongWay, or what is wrong with the body."""
    told = request.META
    if request.content_type != JSON or told.get("QUERY_STRING"):
        raise LongWay
    if told.get("HTTP_ACCEPT", "").startswith("text/plain"):
        raise LongWay
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        raise LongWay
    body = AuthorizeBody.model_validate_json(request.body)
    question = question_of(body, told.get(_NAMED_IN, "")[:50])
    secret = secret_in(request)
    if is_for_help(question, secret):
        raise LongWay
    key, source = _asking(secret)
    if body.source is not None and body.source != source.slug:
        raise LongWay
    now = timezone.now()
    standing = take_token(key.prefix, "calls", at=now)
    if standing.is_refused:
        raise LongWay
    answer = authorise_call(
        question, source, at=now, ask_source=lambda: _asking(secret)[1]
    )
    said = json.dumps(answer.body).encode()
    headers = {"Content-Length": str(len(said)), **standing.headers}
    return HttpResponse(said, content_type=JSON, headers=headers)


def _asking(secret: str) -> tuple[ApiKey, Source]:
    """The key, without a list of addresses (the long way compares it), and whose."""
    key = recall_key(secret, timezone.now())
    if key is None or key.allowed_ips or key.organisation_id is not None:
        raise LongWay
    source = provider_facts().sources.get(key.first_id)
    if source is None or not key.allows(Scope.CALLS_AUTHORIZE):
        raise LongWay
    return key, source

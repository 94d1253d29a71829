"""The short way in for the one request that switches send all day.

A middleware that stands before those for pages, which do nothing for a switch. It
answers what is as usual: JSON, a known key, a question that is as it should be. All
else (a form, plain text, an emergency, a key it does not know, whatever is wrong) goes
the long way through the same verb, where it is answered in full (calling/authorise/
api.py); asking twice does no harm, since the call's key makes it one question.
"""

import json
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.api_access import NAMED_IN, secret_in
from accounts.api_bodies import JSON, wants_text
from accounts.keys import recall_key
from accounts.models import ApiKey, Scope
from accounts.token_bucket import take_token
from calling.authorise.authorise import authorise_call
from calling.authorise.bodies import AuthorizeBody, question_of
from calling.authorise.emergency import is_for_help
from calling.authorise.remember import provider_facts
from calling.models import Source

PATH = "/api/v1/calls/authorize"
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
            except Exception:  # noqa: BLE001  # the long way says what is wrong
                return self.get_response(request)
        return self.get_response(request)


def answer_usual(request: HttpRequest) -> HttpResponse:
    """The answer, or LongWay or whatever else goes wrong."""
    if request.content_type != JSON or wants_text(request):
        raise LongWay
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        raise LongWay
    body = AuthorizeBody.model_validate_json(request.body)
    question = question_of(body, request.headers.get(NAMED_IN, "")[:50])
    secret = secret_in(request)
    if is_for_help(question, secret):
        raise LongWay
    key, source = _asking(secret)
    if body.source is not None and body.source != source.slug:
        raise LongWay
    standing = take_token(key.prefix, "calls", at=timezone.now())
    if standing.is_refused:
        raise LongWay
    answer = authorise_call(
        question, source, at=timezone.now(), ask_source=lambda: _asking(secret)[1]
    )
    told = json.dumps(answer.body).encode()
    headers = {"Content-Length": str(len(told)), **standing.headers}
    return HttpResponse(told, content_type=JSON, headers=headers)


def _asking(secret: str) -> tuple[ApiKey, Source]:
    """The key, without a list of addresses (the long way compares it), and whose."""
    key = recall_key(secret, timezone.now())
    if key is None or key.allowed_ips or key.organisation_id is not None:
        raise LongWay
    source = provider_facts().sources.get(key.first_id)
    if source is None or not key.allows(Scope.CALLS_AUTHORIZE):
        raise LongWay
    return key, source

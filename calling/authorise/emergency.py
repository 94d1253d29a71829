"""Emergency calls on the API: decided before the key and without the database.

By the number dialled and the home country of the source, as the process remembers it;
of a key it does not know, by those of all sources it remembers; where it remembers
none, by the emergency numbers of all countries (rule 9.1).
"""

import logging
import re
from typing import Any

from django.http import HttpRequest

from accounts.api_access import KeyAuth, secret_in
from accounts.api_bodies import read_fields
from accounts.models import ApiKey
from accounts.refusals import TollgateError
from calling.authorise.question import Question, calls_for_help
from calling.authorise.remember import remembered_sources
from calling.emergency import is_emergency_somewhere
from calling.phone_numbers import bare_number

logger = logging.getLogger(__name__)
_PREFIX = re.compile(r"tg_(?:test|live)_([a-z0-9]{8})")


# Stands where the key would: who calls for help needs none.
HELP: Any = object()


class CallsAuth(KeyAuth):
    """The key of a switch; a call for help needs none."""

    def __init__(self) -> None:
        super().__init__("calls", recalled=True)

    def __call__(self, request: HttpRequest) -> ApiKey:
        if request.path.endswith("/calls/authorize") and wants_help(request):
            help_is_wanted: ApiKey = HELP
            return help_is_wanted
        return super().__call__(request)


def wants_help(request: HttpRequest) -> bool:
    """Whether the body, read as far as it can be, names an emergency number."""
    try:
        fields = read_fields(request)
    except TollgateError:
        return False
    callee = fields.get("to")
    if not isinstance(callee, str) or len(callee) > 128:
        return False
    outbound = fields.get("direction", "outbound")
    question = Question("", callee, direction=outbound if outbound else "outbound")
    found = is_for_help(question, secret_in(request))
    if found:
        logger.warning("Emergency call let through: %s", callee)
    return found


def is_for_help(question: Question, secret: str) -> bool:
    sources = remembered_sources()
    prefix = _PREFIX.match(secret)
    if prefix is not None:
        known = [
            one
            for one in sources
            if one.api_key is not None and one.api_key.prefix == prefix[1]
        ]
        sources = tuple(known) or sources
    if not sources:
        digits = bare_number(question.callee)
        return question.direction == "outbound" and is_emergency_somewhere(digits)
    return any(calls_for_help(question, source) for source in sources)

"""A form that makes a secret works once: a reload must not make a second one."""

import secrets

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _


def new_once(request: HttpRequest, name: str) -> str:
    """What the form carries; the session knows it until the form is sent."""
    once: str = request.session.setdefault(name, secrets.token_urlsafe(8))
    return once


def is_first_time(request: HttpRequest, name: str) -> bool:
    """Whether this form was not sent before; if it was, the next page says so."""
    once = request.session.pop(name, None)
    if once is not None and once == request.POST.get("once"):
        return True
    sent = _("This form was sent before. Fill in a new one for another secret.")
    messages.warning(request, sent)
    return False

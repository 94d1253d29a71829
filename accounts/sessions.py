"""A change of the second factor ends every other session of the user.

(A change of password does so by itself: a session carries a hash of it.)
"""

import time
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.signals import (
    authenticator_added,
    authenticator_removed,
    authenticator_reset,
)
from django.contrib.auth import update_session_auth_hash
from django.db.models import F
from django.http import HttpRequest

from accounts.access import SECOND_FACTOR_SET_AT
from accounts.models import User


def end_other_sessions(request: HttpRequest, user: User) -> None:
    """Everywhere else the user must sign in again; this session goes on."""
    User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
    user.refresh_from_db(fields=["session_epoch"])
    update_session_auth_hash(request, user)


def watch_second_factor() -> None:
    """Called once at start: the sign-in library tells of changes by signals only."""
    authenticator_added.connect(_factor_added, dispatch_uid="accounts.added")
    authenticator_removed.connect(_factor_changed, dispatch_uid="accounts.removed")
    authenticator_reset.connect(_factor_changed, dispatch_uid="accounts.reset")


def _factor_added(
    sender: object,
    request: HttpRequest,
    user: User,
    authenticator: Authenticator,
    **facts: Any,
) -> None:
    # Setting an app up takes a code from it; being given recovery codes takes nothing.
    if authenticator.type == Authenticator.Type.TOTP:
        request.session[SECOND_FACTOR_SET_AT] = time.time()
    end_other_sessions(request, user)


def _factor_changed(
    sender: object, request: HttpRequest, user: User, **facts: Any
) -> None:
    end_other_sessions(request, user)

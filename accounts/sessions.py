"""A change of the second factor ends every other session of the user.

(A change of password does so by itself: a session carries a hash of it.)
"""

from django.contrib.auth import update_session_auth_hash
from django.db.models import F
from django.http import HttpRequest

from accounts.models import User


def end_other_sessions(request: HttpRequest, user: User) -> None:
    """Everywhere else the user must sign in again; this session goes on."""
    User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
    user.refresh_from_db(fields=["session_epoch"])
    update_session_auth_hash(request, user)

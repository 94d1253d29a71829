"""Who may see and do what: the first line of every view (rule 1.3).

`membership_for(request, may=…)` answers with the membership the request acts under, or
ends the request: signed out → sign-in page, no organisation → the page that opens one,
wrong role → 403 that says which roles may. Another organisation's object is 404.
`need_recent_sign_in(request)` asks for the password or the second factor once more.
"""

import time

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.core.exceptions import ReauthenticationRequired
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from accounts.models import Membership, Organisation, Permission, User

CHOSEN = "organisation_id"  # the session's current organisation
# When this session began, and when it switched a second factor on: seconds since 1970.
SIGNED_IN_AT = "signed_in_at"
SECOND_FACTOR_SET_AT = "second_factor_set_at"


class SignInNeeded(Exception):
    """Nobody is signed in; the middleware turns it into a redirect to sign-in."""


class OrganisationNeeded(Exception):
    """The user has no organisation yet; the middleware leads to where one is opened."""


class RecentSignInNeeded(ReauthenticationRequired):  # type: ignore[misc]  # untyped
    """The last proof of identity is too old; allauth's middleware asks for another."""


class RoleForbids(PermissionDenied):
    """The user's role does not allow this; carries what was asked and by whom."""

    def __init__(self, membership: Membership, permission: Permission) -> None:
        super().__init__(permission.value)
        self.membership = membership
        self.permission = permission


def signed_in(request: HttpRequest) -> User:
    """The signed-in user; raises SignInNeeded."""
    if not isinstance(request.user, User) or not request.user.is_active:
        raise SignInNeeded
    return request.user


def memberships_of(request: HttpRequest) -> list[Membership]:
    """All of the user's, oldest first; read once a request."""
    if not isinstance(request.user, User):
        return []
    found: list[Membership] | None = getattr(request, "_memberships", None)
    if found is None:
        mine = request.user.memberships.select_related("organisation")
        found = list(mine.order_by("id"))
        request._memberships = found  # type: ignore[attr-defined]
    return found


def current_membership(request: HttpRequest) -> Membership | None:
    """The membership chosen in this session, else the user's first, else None."""
    mine = memberships_of(request)
    chosen = request.session.get(CHOSEN) if mine else None
    for membership in mine:
        if membership.organisation_id == chosen:
            return membership
    return mine[0] if mine else None


def membership_for(
    request: HttpRequest, *, may: Permission = Permission.READ
) -> Membership:
    """The membership this request acts under, if its role allows `may`."""
    signed_in(request)
    membership = current_membership(request)
    if membership is None:
        raise OrganisationNeeded
    if not membership.may(may):
        raise RoleForbids(membership, may)
    return membership


def organisation_for(request: HttpRequest) -> Organisation | None:
    """The current organisation; dj-stripe asks for it by this dotted name."""
    membership = current_membership(request)
    return membership.organisation if membership else None


def client_address(request: HttpRequest) -> str:
    """The caller's IP address, as the audit trail and the rate limits know it."""
    return str(get_adapter(request).get_client_ip(request))


def has_second_factor(user: User) -> bool:
    """Whether the user has an authenticator; recovery codes alone are none."""
    devices = Authenticator.objects.exclude(type=Authenticator.Type.RECOVERY_CODES)
    return bool(devices.filter(user=user).exists())


def used_second_factor(request: HttpRequest) -> bool:
    """Whether this session was opened, or confirmed since, with a second factor."""
    return _last_proof(request, second_factor=True) is not None


def recently_signed_in(request: HttpRequest) -> bool:
    """Whether the user proved to be themselves in the last ten minutes.

    Whoever has a second factor proves it with that; a password alone is not enough.
    """
    user = signed_in(request)
    proved_at = _last_proof(request, second_factor=has_second_factor(user))
    if proved_at is None:
        return False
    return time.time() - proved_at < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def need_recent_sign_in(request: HttpRequest) -> None:
    """Sends the user through re-authentication first, then back to this request."""
    if not recently_signed_in(request):
        raise RecentSignInNeeded


def _last_proof(request: HttpRequest, *, second_factor: bool) -> float | None:
    records = get_authentication_records(request, request.user)
    proofs = [
        float(record["at"])
        for record in records
        if not second_factor or record["method"] == "mfa"
    ]
    # The library keeps no record of these two: a code by mail proves who signs up, and
    # a code from the app who sets it up.
    unrecorded = SECOND_FACTOR_SET_AT if second_factor else SIGNED_IN_AT
    if unrecorded in request.session:
        proofs.append(float(request.session[unrecorded]))
    return max(proofs, default=None)

"""Who may see and do what: the first line of every view (rule 1.3).

`membership_for(request, may=…)` answers with the membership the request acts under, or
ends the request: signed out → sign-in page, no organisation → the page that opens one,
wrong role → 403 that says which roles may. Another organisation's object is 404.
"""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from accounts.models import Membership, Organisation, Permission, User

CHOSEN = "organisation_id"  # the session's current organisation


class SignInNeeded(Exception):
    """Nobody is signed in; the middleware turns it into a redirect to sign-in."""


class OrganisationNeeded(Exception):
    """The user has no organisation yet; the middleware leads to where one is opened."""


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


def current_membership(request: HttpRequest) -> Membership | None:
    """The membership chosen in this session, else the user's first, else None."""
    if not isinstance(request.user, User):
        return None
    mine = request.user.memberships.select_related("organisation").order_by("id")
    chosen = request.session.get(CHOSEN)
    found = mine.filter(organisation_id=chosen).first() if chosen else None
    return found or mine.first()


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

"""Which key asks and for whom: the first line of every API operation (rule 1.7).

`KeyAuth` finds the key of a request and counts the request against the key's quota.
`key_for` ends the request with 403 unless the key has the scope. `organisation_of`
answers for an organisation's own key; a key of the provider names the organisation in
`X-Organization`. Another organisation's object is 404.
"""

import base64
import binascii
from datetime import datetime

from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import Http404, HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from ninja.security import HttpBearer

from accounts.access import client_address
from accounts.keys import find_key, may_come_from, recall_key
from accounts.models import ApiKey, Organisation, Scope
from accounts.refusals import TollgateError
from accounts.token_bucket import Standing, take_token

NAMED_IN = "X-Organization"
# The contract of an operation that `organisation_of` opens to the provider's keys.
NAMED = {
    "parameters": [
        {
            "in": "header",
            "name": NAMED_IN,
            "description": "The organisation's short name; for provider keys.",
            "schema": {"type": "string"},
        }
    ]
}


class KeyNotValid(TollgateError):
    """There is no key, or it is unknown, expired or revoked; nobody says which."""

    code = "key_not_valid"
    sentence = _("The API key is missing or not valid.")
    status = 401


class AddressNotAllowed(TollgateError):
    """The key has a list of addresses, and the request comes from another."""

    code = "address_not_allowed"
    sentence = _("This key may not be used from this address.")
    status = 403


class QuotaUsedUp(TollgateError):
    """The key has sent more requests than its bucket holds."""

    code = "too_many_requests"
    sentence = _("Too many requests; wait a moment.")
    status = 429


class ScopeMissing(TollgateError):
    """The key does not have the scope this operation asks for."""

    code = "scope_missing"
    sentence = _("This key may not do that: it lacks the scope %(scope)s.")
    status = 403


class OrganisationNotNamed(TollgateError):
    """A key of the provider has to say for which organisation it asks."""

    code = "organisation_not_named"
    sentence = _("Name the organisation in the header X-Organization.")
    status = 422


class OwnKeyOnly(TollgateError):
    """Only a key of the organisation itself may do this."""

    code = "own_key_only"
    sentence = _("Only a key of the organisation itself may do that.")
    status = 403


class KeyAuth(HttpBearer):
    """`Authorization: Bearer <key>`; Basic with the key as user name is accepted too.

    FreeSWITCH and FreeRADIUS can do only Basic. `quota` names the bucket in API_QUOTAS.
    `recalled` takes the key from memory, on the terms of `recall_key`.
    """

    def __init__(self, quota: str = "default", *, recalled: bool = False) -> None:
        super().__init__()
        self.quota = quota
        self.look_up = recall_key if recalled else find_key

    def __call__(self, request: HttpRequest) -> ApiKey:
        return self.authenticate(request, secret_in(request))

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey:
        """The key; raises KeyNotValid, AddressNotAllowed or QuotaUsedUp."""
        at = timezone.now()
        key = self.look_up(token, at)
        if key is None:
            raise KeyNotValid
        if key.allowed_ips and not may_come_from(key, _address(request)):
            raise AddressNotAllowed
        count_against_quota(request, key, self.quota, at=at)
        return key


def secret_in(request: HttpRequest) -> str:
    """The key as the request carries it, or ''."""
    scheme, _space, value = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() == "basic":
        return _user_of(value)
    return value.strip() if scheme.lower() == "bearer" else ""


def count_against_quota(
    request: HttpRequest, key: ApiKey, quota: str, *, at: datetime
) -> None:
    """Takes a token and notes on the request what its answer has to tell of it."""
    standing = take_token(key.prefix, quota, at=at)
    request.quota_standing = standing  # type: ignore[attr-defined]
    if standing.is_refused:
        raise QuotaUsedUp


def quota_standing(request: HttpRequest) -> Standing | None:
    """How the request's key stands; None for a request without a valid key."""
    return getattr(request, "quota_standing", None)


def _address(request: HttpRequest) -> str:
    try:
        return client_address(request)
    except (ImproperlyConfigured, PermissionDenied):
        return ""  # the proxies in front do not say it as they should


def _user_of(credentials: str) -> str:
    try:
        decoded = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return decoded.partition(":")[0]


def key_for(request: HttpRequest, scope: Scope) -> ApiKey:
    """The key this request was signed in with, if it has the scope."""
    key = getattr(request, "auth", None)
    if not isinstance(key, ApiKey):
        raise TypeError("The operation is open to requests without a key.")
    if not key.allows(scope):
        raise ScopeMissing(scope=scope.value)
    return key


def organisation_of(request: HttpRequest, scope: Scope) -> Organisation:
    """The organisation a request reads about: its key's, or the one it names."""
    key = key_for(request, scope)
    named = request.headers.get(NAMED_IN, "")
    if key.organisation is not None:
        if named and named != key.organisation.slug:
            raise Http404
        return key.organisation
    if not named:
        raise OrganisationNotNamed
    found = Organisation.objects.filter(slug=named).first()
    if found is None:
        raise Http404
    return found


def own_organisation(request: HttpRequest, scope: Scope) -> Organisation:
    """The organisation whose own key asks; the provider's keys may not."""
    key = key_for(request, scope)
    if key.organisation is None:
        raise OwnKeyOnly
    return key.organisation

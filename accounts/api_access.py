"""Which key asks and for whom: the first line of every API operation (rule 1.7).

`key_for` ends the request with 403 unless the key has the scope. `organisation_of`
answers for an organisation's own key; a key of the provider names the organisation in
`X-Organization`. Another organisation's object is 404.
"""

from django.http import Http404, HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiKey, Organisation, Scope
from accounts.refusals import TollgateError

NAMED_IN = "X-Organization"


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

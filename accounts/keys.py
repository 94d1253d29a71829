"""API keys: issued once, recognised by their digest, revoked at once.

A secret reads `tg_live_` or `tg_test_`, eight public characters that find the row, and
43 random ones (256 bits). Only its SHA-256 is kept, compared in constant time. Several
valid keys at once make rotation possible. Only keys of the provider may ask for
authorisation or hand in call records (rule 1.7).
"""

import hashlib
import re
import secrets
import string
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.audit import record_audit
from accounts.models import ApiKey, Organisation, Scope, User

_SECRET = re.compile(r"tg_(?:test|live)_([a-z0-9]{8})[A-Za-z0-9_-]{43}")
_PUBLIC = string.ascii_lowercase + string.digits
# A use is written down at most this often, so that a busy key costs no writes.
_USE_NOTED_EVERY = timedelta(minutes=1)


def create_key(
    name: str,
    *,
    organisation: Organisation | None,
    scopes: Iterable[Scope],
    at: datetime,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """The key and its secret, which nobody can ask for again."""
    wanted = list(scopes)
    check_scopes(wanted, organisation=organisation)
    if expires_at is not None and expires_at <= at:
        raise ValidationError(
            _("The key would already be expired."), "expires_in_the_past"
        )
    prefix = "".join(secrets.choice(_PUBLIC) for _number in range(8))
    mode = "live" if settings.STRIPE_LIVE_MODE else "test"
    secret = f"tg_{mode}_{prefix}{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(
        name=name,
        prefix=prefix,
        digest=_digest(secret),
        organisation=organisation,
        scopes=[scope.value for scope in wanted],
        created_at=at,
        expires_at=expires_at,
    )
    return key, secret


def issue_key(
    name: str,
    *,
    organisation: Organisation | None,
    scopes: Iterable[Scope],
    expires_at: datetime | None,
    actor: User,
    reason: str,
    at: datetime,
) -> tuple[ApiKey, str]:
    """A key that somebody asked for; the audit trail says who, and why."""
    with transaction.atomic():
        key, secret = create_key(
            name,
            organisation=organisation,
            scopes=scopes,
            at=at,
            expires_at=expires_at,
        )
        record_audit(
            "issue_api_key",
            at=at,
            organisation=organisation,
            actor=actor,
            object=f"api-key:{key.prefix}",
            reason=reason,
            after={"name": name, "scopes": key.scopes},
        )
    return key, secret


def check_scopes(scopes: Iterable[Scope], *, organisation: Organisation | None) -> None:
    """Refuses an empty choice, and provider scopes on a customer's key (rule 1.7)."""
    wanted = list(scopes)
    if not wanted:
        raise ValidationError(_("Choose what the key may do."), "scopes_missing")
    if organisation and any(scope.is_for_provider_only for scope in wanted):
        raise ValidationError(
            _(
                "Only a key of the provider may ask for authorisation or hand in call "
                "records."
            ),
            "scope_for_provider_only",
        )


def find_key(secret: str, at: datetime) -> ApiKey | None:
    """The valid key this secret belongs to, or None without a word why."""
    named = _SECRET.fullmatch(secret)
    if named is None:
        return None
    rows = ApiKey.objects.select_related("organisation")
    key = rows.filter(prefix=named.group(1)).first()
    # An unknown prefix costs the same comparison as a known one.
    stored = key.digest if key else _digest("")
    if not secrets.compare_digest(stored, _digest(secret)) or key is None:
        return None
    if not key.is_valid(at):
        return None
    _note_use(key, at)
    return key


def revoke_key(key: ApiKey, *, actor: User, reason: str, at: datetime) -> bool:
    """Ends the key at once; False when it was revoked before."""
    with transaction.atomic():
        if not ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=at):
            return False
        record_audit(
            "revoke_api_key",
            at=at,
            organisation=key.organisation,
            actor=actor,
            object=f"api-key:{key.prefix}",
            reason=reason,
        )
    return True


def _note_use(key: ApiKey, at: datetime) -> None:
    if key.last_used_at is None or at - key.last_used_at >= _USE_NOTED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=at)
        key.last_used_at = at


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()

"""API keys: issued once, recognised by their digest, revoked at once.

A secret reads `tg_live_` or `tg_test_`, eight public characters that find the row, and
43 random ones (256 bits). Only its SHA-256 is kept, compared in constant time. A key
that is rotated stays valid for a day beside the new one. Only keys of the provider may
ask for authorisation or hand in call records (rule 1.7).
"""

import hashlib
import re
import secrets
import string
from collections.abc import Iterable
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.audit import record_audit
from accounts.models import ApiKey, Organisation, Scope, User

_SECRET = re.compile(r"tg_(?:test|live)_([a-z0-9]{8})[A-Za-z0-9_-]{43}")
NETWORKS_AT_MOST = 50
_PUBLIC = string.ascii_lowercase + string.digits
# A use is written down at most this often, so that a busy key costs no writes.
_USE_NOTED_EVERY = timedelta(minutes=1)
BOTH_VALID_FOR = timedelta(days=1)  # the old and the new one, after a rotation
# What `recall_key` has read: by digest, the key and when. Secrets are not kept.
_RECALLED: dict[str, tuple[ApiKey, datetime]] = {}
_RECALLED_FOR = timedelta(seconds=5)
_RECALLED_AT_MOST = 1000


def create_key(
    name: str,
    *,
    organisation: Organisation | None,
    scopes: Iterable[Scope],
    at: datetime,
    expires_at: datetime | None = None,
    allowed_ips: Iterable[str] = (),
    descends_from_id: int | None = None,
) -> tuple[ApiKey, str]:
    """The key and its secret, which nobody can ask for again.

    `allowed_ips` are addresses and networks; none means everywhere.
    """
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
        allowed_ips=read_networks(allowed_ips),
        descends_from_id=descends_from_id,
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
    allowed_ips: Iterable[str] = (),
) -> tuple[ApiKey, str]:
    """A key that somebody asked for; the audit trail says who, and why."""
    with transaction.atomic():
        key, secret = create_key(
            name,
            organisation=organisation,
            scopes=scopes,
            at=at,
            expires_at=expires_at,
            allowed_ips=allowed_ips,
        )
        record_audit(
            "issue_api_key",
            at=at,
            organisation=organisation,
            actor=actor,
            object=f"api-key:{key.prefix}",
            reason=reason,
            after={
                "name": name,
                "scopes": key.scopes,
                "allowed_ips": key.allowed_ips,
            },
        )
    return key, secret


def rotate_key(
    key: ApiKey, *, actor: User, reason: str, at: datetime
) -> tuple[ApiKey, str]:
    """A new key that may do the same; the old one ends after a day at the latest.

    A source that knows the old key knows the new one as well. Locks the old key's row,
    so that it is replaced once; refuses one that is not valid any more.
    """
    with transaction.atomic():
        old = ApiKey.objects.select_for_update().get(pk=key.pk)
        newer = ApiKey.objects.filter(descends_from=old.first_id, pk__gt=old.pk)
        if not old.is_valid(at) or newer.exists():
            raise ValidationError(
                _("Only a valid key that was not replaced yet can be."),
                "key_not_rotatable",
            )
        new, secret = create_key(
            old.name,
            organisation=old.organisation,
            scopes=[Scope(scope) for scope in old.scopes],
            at=at,
            expires_at=old.expires_at,
            allowed_ips=old.allowed_ips,
            descends_from_id=old.first_id,
        )
        end = min(filter(None, [old.expires_at, at + BOTH_VALID_FOR]))
        ApiKey.objects.filter(pk=old.pk).update(expires_at=end)
        record_audit(
            "rotate_api_key",
            at=at,
            organisation=old.organisation,
            actor=actor,
            object=f"api-key:{old.prefix}",
            reason=reason,
            after={"replaced_by": new.prefix},
        )
    return new, secret


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


def read_networks(given: Iterable[str]) -> list[str]:
    """Addresses and networks in their usual spelling; refuses what is neither."""
    found = []
    for text in given:
        try:
            network = ip_network(text.strip(), strict=False)
        except ValueError:
            raise ValidationError(
                _("%(text)s is neither an IP address nor a network."),
                "not_a_network",
                {"text": text[:50]},
            ) from None
        is_one = network.prefixlen == network.max_prefixlen
        found.append(str(network.network_address if is_one else network))
    if len(found) > NETWORKS_AT_MOST:
        raise ValidationError(
            _("At most %(most)d addresses and networks."),
            "too_many_networks",
            {"most": NETWORKS_AT_MOST},
        )
    return found


def may_come_from(key: ApiKey, address: str) -> bool:
    """Whether a key is used from where it may be; without a list, from everywhere."""
    if not key.allowed_ips:
        return True
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    # An IPv4 address as a socket of both kinds spells it.
    plain = getattr(ip, "ipv4_mapped", None) or ip
    return any(plain in ip_network(one) for one in key.allowed_ips)


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


def recall_key(secret: str, at: datetime) -> ApiKey | None:
    """`find_key` for the hot path: what this process read in the last five seconds.

    Whoever uses it looks at the version of the provider's facts in the same statement
    as its work, and calls `forget_keys` and asks again where that has moved: so a key
    that was revoked ends at once here, too. Times are checked against `at` each time.
    """
    digest = _digest(secret)
    known = _RECALLED.get(digest)
    if known is None or not timedelta() <= at - known[1] < _RECALLED_FOR:
        key = find_key(secret, at)
        if key is not None:
            if len(_RECALLED) >= _RECALLED_AT_MOST:
                _RECALLED.clear()
            _RECALLED[digest] = (key, at)
        return key
    key = known[0]
    if not key.is_valid(at):
        return None
    _note_use(key, at)
    return key


def forget_keys() -> None:
    """The next `recall_key` of every secret reads its row."""
    _RECALLED.clear()


def revoke_key(key: ApiKey, *, actor: User, reason: str, at: datetime) -> bool:
    """Ends the key at once; False when it was revoked before."""
    with transaction.atomic():
        if not ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=at):
            return False
        transaction.on_commit(forget_keys)
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

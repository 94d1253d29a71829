"""API keys, stored as a hash, and the keys that make a request happen once."""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.people import Organisation


class Scope(models.TextChoices):
    """What a key may do. The first two are for provider keys alone (rule 1.7)."""

    CALLS_AUTHORIZE = "calls:authorize", _("ask whether a call may proceed")
    CDRS_WRITE = "cdrs:write", _("hand in call records")
    USAGE_READ = "usage:read", _("read usage")
    BALANCE_READ = "balance:read", _("read balance, lots and ledger")
    FUNDS_WRITE = "funds:write", _("start a top-up")
    RATES_READ = "rates:read", _("read rates")
    WEBHOOKS_MANAGE = "webhooks:manage", _("manage webhook endpoints")

    @property
    def is_for_provider_only(self) -> bool:
        return self in {Scope.CALLS_AUTHORIZE, Scope.CDRS_WRITE}


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def valid(self, at: datetime) -> "ApiKeyQuerySet":
        """Those that are accepted at this moment."""
        return self.filter(revoked_at=None).filter(
            models.Q(expires_at=None) | models.Q(expires_at__gt=at)
        )


class ApiKey(models.Model):
    """A key of an organisation, or of the provider when it names none.

    The secret is shown once; only its SHA-256 and its public prefix are kept.
    """

    name = models.CharField(_("name"), max_length=100)
    prefix = models.CharField(max_length=8, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="api_keys",
    )
    scopes = models.JSONField(_("scopes"), default=list)
    allowed_ips = models.JSONField(
        _("allowed addresses"),
        default=list,
        blank=True,
        help_text=_("IP addresses or networks; none means everywhere."),
    )
    # The first of the keys that were rotated into this one; sources know that one.
    descends_from = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, editable=False
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        permissions = [("manage_keys", _("Can issue and revoke API keys"))]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def is_valid(self, at: datetime) -> bool:
        expired = self.expires_at is not None and self.expires_at <= at
        return self.revoked_at is None and not expired

    @property
    def first_id(self) -> int:
        """The key this one was rotated from, over and over, or itself."""
        return self.descends_from_id or self.pk

    def allows(self, scope: Scope) -> bool:
        return scope.value in self.scopes


class IdempotencyKey(models.Model):
    """The first answer to a request that moves money, kept for good (rule 4.5)."""

    api_key = models.ForeignKey(ApiKey, on_delete=models.PROTECT)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, null=True, blank=True
    )
    key = models.CharField(max_length=255)
    request_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    body = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["organisation", "key"], name="idempotency_key_once"
            ),
            # Empty organisations never collide, so the provider's own need their rule.
            models.UniqueConstraint(
                fields=["api_key", "key"],
                condition=models.Q(organisation=None),
                name="idempotency_key_once__provider",
            ),
        ]

    def __str__(self) -> str:
        return self.key

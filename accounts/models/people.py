"""Who signs in, for whom they act, and how that organisation is billed.

An organisation is the provider's customer. Its billing mode decides whether it may buy
credit (rule 2.1); the mode's history is kept, period by period (rule 1.2).
"""

import zoneinfo
from datetime import date, datetime
from typing import Any, ClassVar

from django.contrib.auth.models import (
    AbstractBaseUser,
    BaseUserManager,
    PermissionsMixin,
)
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords


class Language(models.TextChoices):
    ENGLISH = "en", "English"
    TRADITIONAL_CHINESE = "zh-hant", "繁體中文"


class BillingMode(models.TextChoices):
    """How an organisation pays for calls beyond its plan (rule 1.2)."""

    PREPAID = "PREPAID", _("Prepaid credits")
    NCE = "NCE", _("New commerce experience (billed after use)")

    @property
    def buys_credits(self) -> bool:
        """Whether organisations in this mode may buy credit (rule 2.1)."""
        return self is BillingMode.PREPAID


class Permission(models.TextChoices):
    """What a member may do; a role is a set of these."""

    READ = "read", _("see balance, usage and documents")
    BUY = "buy", _("add funds and change payment settings")
    KEYS = "keys", _("manage API keys and webhooks")
    MANAGE = "manage", _("manage the team and the organisation")


class Role(models.TextChoices):
    OWNER = "owner", _("Owner")
    BILLING_ADMIN = "billing_admin", _("Billing admin")
    VIEWER = "viewer", _("Viewer")
    DEVELOPER = "developer", _("Developer")

    @property
    def permissions(self) -> frozenset[Permission]:
        read, buy, keys = Permission.READ, Permission.BUY, Permission.KEYS
        return {
            Role.OWNER: frozenset(Permission),
            Role.BILLING_ADMIN: frozenset({read, buy}),
            Role.VIEWER: frozenset({read}),
            Role.DEVELOPER: frozenset({read, keys}),
        }[self]

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions


class UserManager(BaseUserManager["User"]):
    def create_user(
        self, email: str, password: str | None = None, **fields: Any
    ) -> "User":
        if not email:
            raise ValueError("A user needs an e-mail address.")
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(
        self, email: str, password: str | None = None, **fields: Any
    ) -> "User":
        return self.create_user(
            email, password, is_staff=True, is_superuser=True, **fields
        )

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """Someone who signs in; the e-mail address is the name."""

    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=150, blank=True)
    language = models.CharField(
        _("language"), max_length=10, choices=Language, default=Language.ENGLISH
    )
    is_staff = models.BooleanField(_("works for the provider"), default=False)
    is_active = models.BooleanField(_("may sign in"), default=True)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)
    # Counted up to end every session the user has open elsewhere.
    session_epoch = models.PositiveIntegerField(default=0, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_any_case",
                violation_error_message=_("This address has an account already."),
            ),
        ]

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        return self.name or self.email

    def get_short_name(self) -> str:
        return self.name or self.email

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a session must still match: Django's rule, and our epoch."""
        return salted_hmac(
            "accounts.models.people.User.session",
            f"{self.password}:{self.session_epoch}",
            secret=secret,
            algorithm="sha256",
        ).hexdigest()


def check_time_zone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise ValidationError(
            _("%(name)s is not a time zone."), "time_zone", {"name": name}
        )


class SuspendedBecause(models.TextChoices):
    """Why no call of an organisation is let through; emergency calls always are."""

    DUNNING = "dunning", _("An invoice was not paid")
    FRAUD = "fraud", _("Suspected fraud")
    REQUEST = "request", _("At the customer's request")


class Organisation(models.Model):
    """The provider's customer: owns lines, plans, a wallet, invoices (rule 1.2)."""

    name = models.CharField(_("name"), max_length=150)
    slug = models.SlugField(_("short name"), unique=True)
    account_code = models.CharField(
        _("account code"),
        max_length=40,
        unique=True,
        help_text=_("Switches put it on call records to say whose call it was."),
    )
    country = models.CharField(
        _("country"), max_length=2, validators=[RegexValidator(r"^[A-Z]{2}$")]
    )
    currency = models.CharField(
        _("currency"), max_length=3, validators=[RegexValidator(r"^[A-Z]{3}$")]
    )
    time_zone = models.CharField(
        _("time zone"), max_length=50, validators=[check_time_zone]
    )
    language = models.CharField(
        _("language"), max_length=10, choices=Language, default=Language.ENGLISH
    )
    billing_email = models.EmailField(_("billing e-mail"))
    # Stands on invoices beside the name.
    address = models.TextField(_("address"), max_length=300, blank=True)
    tax_id = models.CharField(_("tax id"), max_length=30, blank=True)
    billing_mode = models.CharField(
        _("billing mode"),
        max_length=7,
        choices=BillingMode,
        default=BillingMode.PREPAID,
    )
    terms_version = models.CharField(_("terms accepted"), max_length=20)
    opened_at = models.DateTimeField(_("opened at"))
    # Late with an invoice: paid calls stop, all else goes on (rule 10.2).
    restricted_at = models.DateTimeField(_("restricted at"), null=True, blank=True)
    suspended_at = models.DateTimeField(_("suspended at"), null=True, blank=True)
    suspended_because = models.CharField(
        _("suspended because"), max_length=10, choices=SuspendedBecause, blank=True
    )
    # Closed, it buys and calls no more; its books are kept (rule 1.8).
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)

    history = HistoricalRecords()

    class Meta:
        ordering = ["name"]
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")
        permissions = [
            ("change_billing_mode", _("Can move organisations between billing modes"))
        ]
        constraints = [
            models.CheckConstraint(
                name="organisation_billing_mode",
                condition=models.Q(billing_mode__in=BillingMode.values),
                violation_error_code="billing_mode",
                violation_error_message=_("The billing mode is PREPAID or NCE."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def email(self) -> str:
        """The name dj-stripe asks for."""
        return self.billing_email

    @property
    def mode(self) -> BillingMode:
        return BillingMode(self.billing_mode)

    @property
    def buys_credits(self) -> bool:
        return self.mode.buys_credits

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    def local_day(self, at: datetime) -> date:
        """The calendar day of an instant where the organisation is (rule 12)."""
        return at.astimezone(self.zone).date()


class BillingModePeriod(models.Model):
    """From when until when an organisation was in a billing mode, half-open."""

    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="mode_periods"
    )
    billing_mode = models.CharField(max_length=7, choices=BillingMode)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["organisation_id", "starts_at"]
        verbose_name = _("billing mode period")
        verbose_name_plural = _("billing mode periods")
        constraints = [
            models.UniqueConstraint(
                fields=["organisation"],
                condition=models.Q(ends_at=None),
                name="one_open_billing_mode_period",
            ),
            models.CheckConstraint(
                name="billing_mode_period_ends_later",
                condition=models.Q(ends_at=None)
                | models.Q(ends_at__gt=models.F("starts_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organisation}: {self.billing_mode} from {self.starts_at}"


class Membership(models.Model):
    """The role a user has in an organisation (rule 1.3)."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(_("role"), max_length=15, choices=Role)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["organisation_id", "id"]
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "organisation"], name="one_role_per_organisation"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.organisation} · {self.get_role_display()}"

    def may(self, permission: Permission) -> bool:
        return Role(self.role).may(permission)

    @property
    def keeps_keys(self) -> bool:
        return self.may(Permission.KEYS)

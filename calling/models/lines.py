"""Who calls, and which number was whose when (rule 1.4)."""

from typing import ClassVar

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation


class LineKind(models.TextChoices):
    PERSON = "person", _("person")
    ROOM = "room", _("room")
    BOT = "bot", _("bot")


class ServiceKind(models.TextChoices):
    """A number that belongs to no line: a bridge, an attendant, a queue."""

    TOLL = "toll", _("toll number")
    TOLL_FREE = "toll_free", _("toll-free number")


class Line(models.Model):
    """A person, room or bot that calls; usage country is not the billing address."""

    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="lines"
    )
    name = models.CharField(_("name"), max_length=150)
    kind = models.CharField(
        _("kind"), max_length=10, choices=LineKind, default=LineKind.PERSON
    )
    identity = models.CharField(
        _("login or SIP identity"),
        max_length=150,
        help_text=_("What the switch writes into a call record to say who called."),
    )
    usage_country = models.CharField(
        _("usage country"), max_length=2, validators=[RegexValidator(r"^[A-Z]{2}$")]
    )
    department = models.CharField(_("department"), max_length=100, blank=True)
    may_spend_credits = models.BooleanField(_("may spend credits"), default=True)
    # What its calls beyond the plan may come to in a month, in millionths.
    monthly_warning = models.BigIntegerField(
        _("warn at, a month"), null=True, blank=True, editable=False
    )
    monthly_limit = models.BigIntegerField(
        _("stop at, a month"), null=True, blank=True, editable=False
    )
    told_month = models.DateField(
        null=True, editable=False, help_text=_("The month that the share is of.")
    )
    told_percent = models.PositiveSmallIntegerField(
        null=True,
        editable=False,
        help_text=_("Up to which share of its limit the customer was told."),
    )
    is_active = models.BooleanField(_("is in use"), default=True)

    class Meta:
        ordering = ["organisation_id", "name"]
        verbose_name = _("line")
        verbose_name_plural = _("lines")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                F("organisation"),
                Lower("identity"),
                name="line_identity_once",
                violation_error_code="line_identity_once",
                violation_error_message=_(
                    "Another line of this organisation has this identity."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class NumberAssignment(models.Model):
    """From when until when a number was a line's or a service's, half-open.

    Two assignments of one number never overlap, whoever they belong to: a trigger
    refuses it. The owner of a call is the one at its start.
    """

    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="numbers"
    )
    number = models.CharField(
        _("number"), max_length=16, validators=[RegexValidator(r"^\+[1-9]\d{3,14}$")]
    )
    line = models.ForeignKey(
        Line, on_delete=models.PROTECT, null=True, blank=True, related_name="numbers"
    )
    service_kind = models.CharField(
        _("service"), max_length=10, choices=ServiceKind, blank=True
    )
    is_bridge = models.BooleanField(_("is a conference bridge"), default=False)
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)

    class Meta:
        ordering = ["number", "starts_at"]
        verbose_name = _("number")
        verbose_name_plural = _("numbers")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="number_of_line_or_service",
                condition=Q(line__isnull=False, service_kind="", is_bridge=False)
                | (Q(line__isnull=True) & ~Q(service_kind="")),
                violation_error_code="number_of_line_or_service",
                violation_error_message=_(
                    "A number belongs to a line, or it is a service number."
                ),
            ),
            models.CheckConstraint(
                name="number_ends_later",
                condition=Q(ends_at=None) | Q(ends_at__gt=F("starts_at")),
                violation_error_code="number_ends_later",
                violation_error_message=_("An assignment ends after it begins."),
            ),
            models.UniqueConstraint(
                fields=["number"],
                condition=Q(ends_at=None),
                name="number_overlap__open",
                violation_error_code="number_overlap",
                violation_error_message=_("This number is assigned at that time."),
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["number", "starts_at"], name="numbers_in_time"),
        ]

    def __str__(self) -> str:
        return self.number

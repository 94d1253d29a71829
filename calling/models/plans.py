"""The catalogue of calling plans, and what an organisation has of it (rules 1.5, 1.6).

A plan exists twice, prepaid and NCE; the twins share a family, and the family is what
a minute pool is keyed by, so used minutes carry over when an organisation moves. What a
plan includes and costs never changes: another price or other minutes are the family's
next version, and who has the old one keeps it.
"""

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import BillingMode, Organisation, User
from calling.models.lines import Line
from calling.models.price import PriceField
from credits.models.fields import MicrosField


class PlanKind(models.TextChoices):
    PHONE_SYSTEM = "phone_system", _("Phone system")
    DOMESTIC = "domestic", _("Domestic")
    DOMESTIC_INTERNATIONAL = "domestic_international", _("Domestic and international")
    PAY_AS_YOU_GO = "pay_as_you_go", _("Pay-as-you-go")
    AUDIO_CONFERENCING = "audio_conferencing", _("Audio conferencing")


class Bucket(models.TextChoices):
    """A class of calls that a plan includes minutes for."""

    DOMESTIC = "domestic", _("domestic minutes")
    INTERNATIONAL = "international", _("international minutes")
    CONFERENCE = "conference", _("conference minutes")


class ExhaustionRule(models.TextChoices):
    INDEPENDENT = "independent", _("each bucket ends by itself")
    ANY_EXHAUSTS_ALL = "any_exhausts_all", _("one used-up bucket ends all")


class LicenceBase(models.TextChoices):
    """Which licences count towards the size of a pool."""

    ASSIGNED = "assigned", _("licences given to a line")
    PURCHASED = "purchased", _("all licences bought")


class CallingPlan(models.Model):
    """A catalogue item: what a licence costs a month and which minutes it includes."""

    name = models.CharField(_("name"), max_length=100)
    slug = models.SlugField(_("short name"), unique=True)
    family = models.SlugField(
        _("family"), help_text=_("Shared by the prepaid plan and its NCE twin.")
    )
    kind = models.CharField(_("kind"), max_length=25, choices=PlanKind)
    billing_mode = models.CharField(
        _("billing mode"), max_length=7, choices=BillingMode
    )
    countries = models.JSONField(
        _("usage countries"),
        default=list,
        blank=True,
        help_text=_("Where a licence may be used; empty means everywhere."),
    )
    price = PriceField(_("price per licence and month"))
    requires = models.SlugField(
        _("requires"), blank=True, help_text=_("A family the line must have as well.")
    )
    exhaustion_rule = models.CharField(
        _("exhaustion rule"),
        max_length=20,
        choices=ExhaustionRule,
        default=ExhaustionRule.INDEPENDENT,
    )
    is_pooled = models.BooleanField(_("minutes are shared by all lines"), default=True)
    licence_base = models.CharField(
        _("licence base"),
        max_length=10,
        choices=LicenceBase,
        default=LicenceBase.ASSIGNED,
    )
    is_active = models.BooleanField(_("is sold"), default=True)
    version = models.PositiveSmallIntegerField(_("version"), default=1, editable=False)
    superseded_at = models.DateTimeField(
        _("replaced at"), null=True, blank=True, editable=False
    )

    # django-money replaces the manager in a way the type checker cannot follow.
    objects: ClassVar[models.Manager["CallingPlan"]] = models.Manager()

    class Meta:
        ordering = ["family", "billing_mode", "-version"]
        verbose_name = _("calling plan")
        verbose_name_plural = _("calling plans")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["family", "billing_mode", "price_currency"],
                condition=Q(superseded_at=None),
                name="one_plan_per_family_and_mode",
                violation_error_code="one_plan_per_family_and_mode",
                violation_error_message=_(
                    "This family has such a plan already; publish a new version of it."
                ),
            ),
            models.UniqueConstraint(
                fields=["family", "billing_mode", "price_currency", "version"],
                name="one_plan_per_version",
            ),
            models.CheckConstraint(
                name="plan_sold_until_replaced",
                condition=Q(superseded_at=None) | Q(is_active=False),
                violation_error_code="plan_sold_until_replaced",
                violation_error_message=_("A version that was replaced is not sold."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def covers(self, country: str) -> bool:
        return not self.countries or country in self.countries


class PlanBucket(models.Model):
    """The minutes a licence of a plan includes for one class of calls."""

    plan = models.ForeignKey(
        CallingPlan, on_delete=models.PROTECT, related_name="buckets"
    )
    bucket = models.CharField(_("bucket"), max_length=15, choices=Bucket)
    minutes = models.PositiveIntegerField(_("minutes per licence and month"))

    class Meta:
        ordering = ["plan_id", "bucket"]
        verbose_name = _("included minutes")
        verbose_name_plural = _("included minutes")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["plan", "bucket"], name="one_bucket_per_plan"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan}: {self.minutes} {self.get_bucket_display()}"


class Subscription(models.Model):
    """An organisation's N licences of one plan, half-open in time (rule 1.6).

    Its billing mode is the organisation's and the plan's when it begins; a trigger
    proves both and refuses a later change.
    """

    organisation_id: int
    plan_id: int
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="subscriptions"
    )
    plan = models.ForeignKey(
        CallingPlan, on_delete=models.PROTECT, related_name="subscriptions"
    )
    billing_mode = models.CharField(
        max_length=7, choices=BillingMode, editable=False, blank=True
    )
    quantity = models.PositiveIntegerField(_("licences"))
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)

    class Meta:
        ordering = ["organisation_id", "starts_at"]
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="subscription_ends_later",
                condition=Q(ends_at=None) | Q(ends_at__gt=F("starts_at")),
                violation_error_code="subscription_ends_later",
                violation_error_message=_("A subscription ends after it begins."),
            ),
            models.CheckConstraint(
                name="subscription_has_licences",
                condition=Q(quantity__gt=0),
                violation_error_code="subscription_has_licences",
                violation_error_message=_("A subscription has at least one licence."),
            ),
            models.UniqueConstraint(
                fields=["organisation", "plan"],
                condition=Q(ends_at=None),
                name="one_subscription_per_plan",
                violation_error_code="one_subscription_per_plan",
                violation_error_message=_("There is a subscription of this plan."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.plan}"

    def clean(self) -> None:
        super().clean()
        self.take_billing_mode()
        if self.plan_id is not None and self.plan.billing_mode != self.billing_mode:
            raise ValidationError(
                _("%(plan)s is not sold in the billing mode of %(organisation)s."),
                "subscription_mode",
                {"plan": self.plan, "organisation": self.organisation},
            )

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.take_billing_mode()
        super().save(*args, **kwargs)

    def take_billing_mode(self) -> None:
        """Copies the organisation's mode while the row is new."""
        if self._state.adding and self.organisation_id is not None:
            self.billing_mode = self.organisation.billing_mode


class QuantityChange(models.Model):
    """How many licences a subscription had before and after a moment; kept for good.

    The fee of the rest of the month is what the change comes to, pro rata by day.
    """

    subscription_id: int
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="quantity_changes"
    )
    subscription = models.ForeignKey(
        Subscription, on_delete=models.PROTECT, related_name="quantity_changes"
    )
    before = models.PositiveIntegerField(_("licences before"))
    after = models.PositiveIntegerField(_("licences after"))
    changed_at = models.DateTimeField(_("changed at"))
    fee = MicrosField(_("fee for the rest of the month"))
    actor = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True)

    class Meta:
        ordering = ["subscription_id", "changed_at", "id"]
        verbose_name = _("change of licences")
        verbose_name_plural = _("changes of licences")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="quantity_changes_something", condition=~Q(before=F("after"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.before} → {self.after}"


class Licence(models.Model):
    """One of a subscription's licences while it is given to a line."""

    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="licences"
    )
    subscription = models.ForeignKey(
        Subscription, on_delete=models.PROTECT, related_name="licence_rows"
    )
    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="licences")
    assigned_at = models.DateTimeField(_("from"))
    released_at = models.DateTimeField(_("until"), null=True, blank=True)

    class Meta:
        ordering = ["organisation_id", "line_id", "assigned_at"]
        verbose_name = _("licence")
        verbose_name_plural = _("licences")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="licence_released_later",
                condition=Q(released_at=None) | Q(released_at__gt=F("assigned_at")),
            ),
            models.UniqueConstraint(
                fields=["organisation", "subscription", "line"],
                condition=Q(released_at=None),
                name="one_licence_per_line",
                violation_error_code="one_licence_per_line",
                violation_error_message=_("This line already has such a licence."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.line}: {self.subscription.plan}"

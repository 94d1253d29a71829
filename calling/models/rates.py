"""Rate cards: dated price lists, a whole card to a version (rule 6.1)."""

from datetime import datetime
from typing import ClassVar

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from credits.models import MicrosField


class Purpose(models.TextChoices):
    """Which calls a card prices."""

    CALLING = "calling", _("outbound calls")
    CONFERENCE = "conference", _("dialling out of a conference")
    TOLL_FREE_IN = "toll_free_in", _("inbound toll-free calls")


class NumberType(models.TextChoices):
    FIXED = "fixed", _("fixed")
    MOBILE = "mobile", _("mobile")
    TOLLFREE = "tollfree", _("toll-free")
    PREMIUM = "premium", _("premium")
    SHARED_COST = "shared_cost", _("shared cost")
    LOCAL = "local", _("local")
    ANY = "any", _("any")


class RateCard(models.Model):
    """A price list of one currency and purpose, perhaps for one organisation only."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    currency = models.CharField(
        _("currency"), max_length=3, validators=[RegexValidator(r"^[A-Z]{3}$")]
    )
    purpose = models.CharField(
        _("purpose"), max_length=15, choices=Purpose, default=Purpose.CALLING
    )
    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="rate_cards",
    )
    is_default = models.BooleanField(
        _("is the currency's default"),
        default=False,
        help_text=_("Prices every organisation of the currency without its own card."),
    )
    notice_days = models.PositiveSmallIntegerField(
        _("days of notice"),
        default=0,
        help_text=_("How long before a price rises its customers are told."),
    )

    class Meta:
        ordering = ["name"]
        verbose_name = _("rate card")
        verbose_name_plural = _("rate cards")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["currency", "purpose"],
                condition=Q(is_default=True),
                name="one_default_card",
                violation_error_code="one_default_card",
                violation_error_message=_(
                    "Another card is the default of this currency and purpose."
                ),
            ),
            models.UniqueConstraint(
                fields=["organisation", "purpose"],
                condition=Q(organisation__isnull=False),
                name="one_own_card",
                violation_error_code="one_own_card",
                violation_error_message=_(
                    "This organisation already has a card for this purpose."
                ),
            ),
            models.CheckConstraint(
                name="own_card_is_not_default",
                condition=Q(organisation__isnull=True) | Q(is_default=False),
                violation_error_code="own_card_is_not_default",
                violation_error_message=_(
                    "A card of one organisation cannot be everybody's default."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RateCardVersion(models.Model):
    """One whole import of a card, in force from a moment until the next version's."""

    card = models.ForeignKey(
        RateCard, on_delete=models.PROTECT, related_name="versions"
    )
    number = models.PositiveIntegerField(_("version"))
    valid_from = models.DateTimeField(_("in force from"))
    digest = models.CharField(max_length=64, editable=False)
    rate_count = models.PositiveIntegerField(_("rates"))
    imported_at = models.DateTimeField(_("imported at"))
    told_at = models.DateTimeField(
        _("customers told"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("When its rises were looked for and whoever they concern told."),
    )
    restores = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("rolled back to"),
    )

    class Meta:
        ordering = ["card_id", "number"]
        verbose_name = _("rate card version")
        verbose_name_plural = _("rate card versions")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["card", "number"], name="one_version_per_number"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.card} v{self.number}"

    def mark_told(self, at: datetime) -> None:
        """Whoever it makes pay more has been told."""
        RateCardVersion.objects.filter(pk=self.pk).update(told_at=at)


class Rate(models.Model):
    """What one destination costs; never changed, a new price is a new version."""

    version = models.ForeignKey(
        RateCardVersion, on_delete=models.PROTECT, related_name="rates", db_index=False
    )
    prefix = models.CharField(
        _("prefix"), max_length=15, validators=[RegexValidator(r"^\d{1,15}$")]
    )
    destination = models.CharField(_("destination"), max_length=150)
    country = models.CharField(_("country"), max_length=2, blank=True)
    number_type = models.CharField(
        _("number type"), max_length=15, choices=NumberType, default=NumberType.ANY
    )
    rate_per_minute = MicrosField(_("rate per minute"))
    connect_fee = MicrosField(_("connection charge"), default=0)
    interval_1 = models.PositiveIntegerField(_("first interval (s)"), default=60)
    interval_n = models.PositiveIntegerField(_("following intervals (s)"), default=60)
    minimum_charge = MicrosField(_("minimum charge"), default=0)
    is_blocked = models.BooleanField(_("is blocked"), default=False)
    valid_from = models.DateTimeField(_("from"), null=True, blank=True)
    valid_to = models.DateTimeField(_("until"), null=True, blank=True)
    longest_number = models.PositiveSmallIntegerField(
        _("longest number"),
        null=True,
        blank=True,
        help_text=_("Prices numbers of at most so many digits."),
    )
    held_since = models.DateTimeField(
        _("price since"),
        null=True,
        blank=True,
        help_text=_("Since when this prefix has had this price, in versions before."),
    )
    unmapped = models.JSONField(
        null=True, blank=True, help_text=_("Columns of the file that have no meaning.")
    )

    class Meta:
        ordering = ["version_id", "prefix"]
        verbose_name = _("rate")
        verbose_name_plural = _("rates")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["version", "prefix"], name="one_rate_per_prefix"
            ),
            models.CheckConstraint(
                name="rate_amounts_not_negative",
                condition=Q(
                    rate_per_minute__gte=0, connect_fee__gte=0, minimum_charge__gte=0
                ),
            ),
            models.CheckConstraint(
                name="rate_intervals_positive",
                condition=Q(interval_1__gt=0, interval_n__gt=0),
            ),
            models.CheckConstraint(
                name="rate_ends_later",
                condition=Q(valid_from=None)
                | Q(valid_to=None)
                | Q(valid_to__gt=F("valid_from")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.prefix} {self.destination}"


class DefaultCardChoice(models.Model):
    """Since when a card prices everybody without their own, and what did before.

    Kept so that whoever pays more from then on is told (rules 6.1 and 11).
    """

    card = models.ForeignKey(
        RateCard, on_delete=models.PROTECT, related_name="default_choices"
    )
    before = models.ForeignKey(
        RateCardVersion, on_delete=models.PROTECT, related_name="+"
    )
    after = models.ForeignKey(
        RateCardVersion, on_delete=models.PROTECT, related_name="+"
    )
    chosen_at = models.DateTimeField(_("chosen at"))
    told_at = models.DateTimeField(_("customers told"), null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("choice of a default card")
        verbose_name_plural = _("choices of a default card")

    def __str__(self) -> str:
        return f"{self.card}, {self.chosen_at:%Y-%m-%d %H:%M}"

    def mark_told(self, at: datetime) -> None:
        """Whoever it makes pay more has been told, unless it was changed meanwhile."""
        as_read = DefaultCardChoice.objects.filter(pk=self.pk, chosen_at=self.chosen_at)
        as_read.update(told_at=at)

"""Which calls may start: barred destinations, and limits (rules 9.1, 9.5, 10.4)."""

from typing import ClassVar

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from calling.models.lines import Line
from calling.models.rates import NumberType
from credits.models import MicrosField


class Barring(models.Model):
    """One rule: calls to these destinations are refused, or let through after all.

    The provider's rules (no organisation) bind everybody; a customer may bar more, and
    may let through only what the provider bars by default and not by force. Of several
    that fit the most specific decides: prefix, class, country, everything.
    """

    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="barrings",
    )
    name = models.CharField(_("name"), max_length=100)
    prefix = models.CharField(
        _("prefix"),
        max_length=15,
        blank=True,
        validators=[RegexValidator(r"^[1-9]\d{0,14}$")],
        help_text=_("Digits, country code first, without plus."),
    )
    number_type = models.CharField(
        _("class"), max_length=15, choices=NumberType, blank=True
    )
    country = models.CharField(
        _("country"),
        max_length=2,
        blank=True,
        validators=[RegexValidator(r"^[A-Z]{2}$")],
    )
    # The organisation's local hours; both empty: always. Until < from: over midnight.
    hour_from = models.TimeField(_("from (hour)"), null=True, blank=True)
    hour_until = models.TimeField(_("until (hour)"), null=True, blank=True)
    lets_through = models.BooleanField(
        _("lets calls through"),
        default=False,
        help_text=_("An exception: what fits it is not barred by a wider rule."),
    )
    is_forced = models.BooleanField(
        _("customers cannot lift it"),
        default=False,
        help_text=_("Provider's rules only."),
    )
    is_active = models.BooleanField(_("is in force"), default=True)

    class Meta:
        ordering = ["organisation_id", "id"]
        verbose_name = _("barred destination")
        verbose_name_plural = _("barred destinations")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="barring_hours_in_pairs",
                condition=Q(hour_from=None, hour_until=None)
                | Q(hour_from__isnull=False, hour_until__isnull=False)
                & ~Q(hour_from=F("hour_until")),
                violation_error_code="barring_hours_in_pairs",
                violation_error_message=_("Give two different hours, or none."),
            ),
            models.CheckConstraint(
                name="barring_forced_by_provider",
                condition=Q(is_forced=False) | Q(organisation=None),
                violation_error_code="barring_forced_by_provider",
                violation_error_message=_("Only a rule of the provider is forced."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CallLimits(models.Model):
    """Velocity limits and the price ceiling; an empty limit is no limit (rule 9.1).

    Two rows belong to the provider: for everybody, and the stricter one for the first
    30 days of an organisation. An organisation may have two of its own: what it wants,
    and what the provider set for it, which it cannot loosen.
    """

    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="call_limits",
    )
    for_new = models.BooleanField(_("for the first 30 days"), default=False)
    by_provider = models.BooleanField(
        _("set by the provider"),
        default=False,
        db_default=False,
        help_text=_("The customer cannot loosen it."),
    )
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    price_ceiling = MicrosField(  # type: ignore[misc]  # null is meant
        _("dearest price per minute"), null=True, blank=True
    )
    daily_spend = MicrosField(  # type: ignore[misc]
        _("most in a day"), null=True, blank=True
    )
    call_cost = MicrosField(  # type: ignore[misc]
        _("most for one call"), null=True, blank=True
    )
    longest_call_seconds = models.PositiveIntegerField(
        _("longest call (s)"), null=True, blank=True
    )
    concurrent_calls = models.PositiveIntegerField(
        _("calls at once"), null=True, blank=True
    )

    class Meta:
        ordering = ["organisation_id", "for_new", "by_provider"]
        verbose_name = _("call limits")
        verbose_name_plural = _("call limits")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["for_new", "currency"],
                condition=Q(organisation=None),
                name="one_limit_of_the_provider_each",
            ),
            models.UniqueConstraint(
                fields=["organisation", "by_provider"],
                condition=Q(organisation__isnull=False),
                name="one_limit_of_each_side",
                violation_error_code="one_limit_of_each_side",
                violation_error_message=_("This organisation has such limits already."),
            ),
            models.CheckConstraint(
                name="limits_for_new_by_provider",
                condition=Q(for_new=False) | Q(organisation=None),
            ),
        ]

    def __str__(self) -> str:
        return str(self.organisation or _("everybody"))


class SpendingLimit(models.Model):
    """What an NCE organisation wants to spend in a month at most (rule 10.4)."""

    organisation = models.OneToOneField(
        Organisation, on_delete=models.PROTECT, related_name="spending_limit"
    )
    amount = MicrosField(_("amount a month"), help_text=_("In millionths."))
    is_hard = models.BooleanField(
        _("stops calls"), default=True, help_text=_("Otherwise it only warns.")
    )
    told_month = models.DateField(null=True, blank=True, editable=False)
    told_percent = models.PositiveSmallIntegerField(default=0, editable=False)
    changed_at = models.DateTimeField(_("changed at"))

    class Meta:
        verbose_name = _("spending limit")
        verbose_name_plural = _("spending limits")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="spending_limit_positive",
                condition=Q(amount__gt=0),
                violation_error_code="spending_limit_positive",
                violation_error_message=_("A limit is more than nothing."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organisation}: {self.amount}"


class LineMonth(models.Model):
    """What a line with a monthly limit has spent and set aside in a month (rule 1.4).

    Made from its charges when first needed; kept true by every settlement.
    """

    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="line_months"
    )
    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="months")
    month = models.DateField(
        help_text=_("The first of the month where the organisation is.")
    )
    spent = MicrosField(default=0, help_text=_("Beyond plan minutes."))
    reserved = MicrosField(default=0)

    class Meta:
        ordering = ["line_id", "-month"]
        verbose_name = _("month of a line")
        verbose_name_plural = _("months of lines")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["organisation", "line", "month"], name="one_month_per_line"
            ),
            models.CheckConstraint(
                name="line_month_not_negative", condition=Q(reserved__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.line}: {self.month:%Y-%m}"


class DeniedCall(models.Model):
    """A call that was not let through, and why; append-only."""

    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        null=True,
        related_name="denied_calls",
        db_constraint=False,
        db_index=False,
    )
    source_id = models.BigIntegerField()
    line_id = models.BigIntegerField(null=True, blank=True)
    call_key = models.CharField(max_length=255)
    kind = models.CharField(max_length=25, blank=True)
    caller = models.CharField(max_length=128, blank=True)
    callee = models.CharField(max_length=128, blank=True)
    code = models.CharField(_("code"), max_length=40)
    asked_at = models.DateTimeField(_("asked at"))

    class Meta:
        ordering = ["-id"]
        verbose_name = _("denied call")
        verbose_name_plural = _("denied calls")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["organisation", "asked_at"], name="denied_calls_in_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.call_key}: {self.code}"


class FactsVersion(models.Model):
    """One row: how often what every call is judged by has changed (rule 9.1).

    Kept by triggers; `Wallet.facts_version` is the same for one organisation. Numbers
    have a count of their own, since whose a number is not cannot belong to a wallet.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    provider = models.BigIntegerField(
        default=1,
        db_default=1,
        help_text=_("Sources, keys, price lists, areas, rules."),
    )
    numbers = models.BigIntegerField(
        default=1, db_default=1, help_text=_("Whose which number is.")
    )

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(name="one_facts_version", condition=Q(id=1)),
        ]

    def __str__(self) -> str:
        return f"{self.provider}, {self.numbers}"

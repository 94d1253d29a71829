"""Calls that have an owner, who paid for them, and the minutes they drew from.

Hot tables: no foreign-key constraints (decision 0004) and few indices. The batch locks
the wallets first, so nothing here is written by two at a time.
"""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from calling.models.lines import Line
from calling.models.plans import Bucket
from calling.models.rates import RateCardVersion
from calling.models.sources import Source
from credits.models import MicrosField


class Direction(models.TextChoices):
    """Seen from the organisation."""

    OUTBOUND = "outbound", _("outbound")
    INBOUND = "inbound", _("inbound")


class CallKind(models.TextChoices):
    """One per call; it selects pool, rate card and report (rule 6.3)."""

    DOMESTIC = "domestic", _("Domestic")
    INTERNATIONAL = "international", _("International")
    TOLL_FREE_IN = "toll_free_in", _("Toll-free inbound")
    TOLL_IN = "toll_in", _("Inbound")
    CONFERENCE_IN_TOLL_FREE = "conference_in_toll_free", _("Conference, toll-free in")
    CONFERENCE_IN_TOLL = "conference_in_toll", _("Conference, dialled in")
    CONFERENCE_OUT = "conference_out", _("Conference, dialled out")
    PREMIUM = "premium", _("Premium")
    SHARED_COST = "shared_cost", _("Shared cost")
    EMERGENCY = "emergency", _("Emergency")
    ON_NET = "on_net", _("Internal")

    @property
    def is_free(self) -> bool:
        """Whether such a call is recorded and never charged (rule 6.4)."""
        return self in FREE_KINDS


FREE_KINDS = (
    CallKind.EMERGENCY,
    CallKind.ON_NET,
    CallKind.TOLL_IN,
    CallKind.CONFERENCE_IN_TOLL,
)


class CallRecord(models.Model):
    """A call whose owner is known, as its newest settled revision tells it.

    Its id is the id of the first raw record under its key.
    """

    id = models.BigIntegerField(primary_key=True)
    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        related_name="call_records",
        db_constraint=False,
        db_index=False,
    )
    source = models.ForeignKey(
        Source, on_delete=models.PROTECT, db_constraint=False, db_index=False
    )
    source_record_id = models.CharField(max_length=200)
    revision = models.PositiveIntegerField(default=1)
    line = models.ForeignKey(
        Line,
        on_delete=models.PROTECT,
        null=True,
        related_name="call_records",
        db_constraint=False,
        db_index=False,
    )
    kind = models.CharField(max_length=25, choices=CallKind)
    direction = models.CharField(max_length=10, choices=Direction)
    caller = models.CharField(max_length=128, blank=True)
    callee = models.CharField(max_length=128, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    answered = models.BooleanField()
    billable_seconds = models.PositiveIntegerField()
    call_id = models.CharField(max_length=200, blank=True)
    flags = models.CharField(max_length=100, blank=True)

    class Meta:
        verbose_name = _("call record")
        verbose_name_plural = _("call records")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["organisation", "started_at"], name="calls_in_time"),
        ]

    def __str__(self) -> str:
        return f"{self.caller} → {self.callee}"


class MinutePool(models.Model):
    """Included minutes of one month, shared or of one line (rule 7.1)."""

    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="minute_pools"
    )
    usage_country = models.CharField(
        max_length=2, blank=True, help_text=_("Empty for conference minutes.")
    )
    family = models.SlugField()
    bucket = models.CharField(max_length=15, choices=Bucket)
    line = models.ForeignKey(
        Line, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    period_start = models.DateField(
        help_text=_("The first of the month where the organisation is.")
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    granted_seconds = models.PositiveIntegerField()
    remaining_seconds = models.PositiveIntegerField()
    reserved_seconds = models.PositiveIntegerField(default=0)
    exhausted_at = models.DateTimeField(null=True, blank=True)
    told_percent = models.PositiveSmallIntegerField(
        default=0, help_text=_("Up to which share used the customer was told.")
    )

    class Meta:
        ordering = ["organisation_id", "-period_start", "family", "bucket"]
        verbose_name = _("minute pool")
        verbose_name_plural = _("minute pools")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="pool_remaining_range",
                condition=Q(
                    remaining_seconds__gte=0,
                    remaining_seconds__lte=F("granted_seconds"),
                    reserved_seconds__gte=0,
                ),
            ),
            models.CheckConstraint(
                name="pool_period_ordered", condition=Q(ends_at__gt=F("starts_at"))
            ),
            models.UniqueConstraint(
                fields=[
                    "organisation",
                    "period_start",
                    "usage_country",
                    "family",
                    "bucket",
                ],
                condition=Q(line__isnull=True),
                name="one_shared_pool",
            ),
            models.UniqueConstraint(
                fields=[
                    "organisation",
                    "period_start",
                    "usage_country",
                    "family",
                    "bucket",
                    "line",
                ],
                condition=Q(line__isnull=False),
                name="one_pool_per_line",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.family} {self.bucket} {self.period_start:%Y-%m}"


class Charge(models.Model):
    """Who paid for one revision of a call: a part per source, immutable (rule 8).

    Carries the rating snapshot it was computed from (rule 6.2).
    """

    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        related_name="charges",
        db_constraint=False,
        db_index=False,
    )
    call_record = models.ForeignKey(
        CallRecord,
        on_delete=models.PROTECT,
        related_name="charges",
        db_constraint=False,
        db_index=False,
    )
    revision = models.PositiveIntegerField()
    line = models.ForeignKey(
        Line,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    kind = models.CharField(max_length=25, choices=CallKind)
    local_day = models.DateField()
    currency = models.CharField(max_length=3)
    rate_card_version = models.ForeignKey(
        RateCardVersion,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    prefix = models.CharField(max_length=15, blank=True)
    rate_per_minute = MicrosField(default=0)
    connect_fee = MicrosField(default=0)
    interval_1 = models.PositiveIntegerField(default=0)
    interval_n = models.PositiveIntegerField(default=0)
    minimum_charge = MicrosField(default=0)
    rated_amount = MicrosField()
    billed_seconds = models.PositiveIntegerField()
    pool = models.ForeignKey(
        MinutePool,
        on_delete=models.PROTECT,
        null=True,
        related_name="charges",
        db_constraint=False,
        db_index=False,
    )
    pool_seconds = models.PositiveIntegerField(default=0)
    pool_amount = MicrosField(default=0)
    credit_seconds = models.PositiveIntegerField(default=0)
    credit_amount = MicrosField(default=0)
    postpaid_seconds = models.PositiveIntegerField(default=0)
    postpaid_amount = MicrosField(default=0)
    debt_seconds = models.PositiveIntegerField(default=0)
    debt_amount = MicrosField(default=0)
    booked_at = models.DateTimeField()

    class Meta:
        verbose_name = _("charge")
        verbose_name_plural = _("charges")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="call_charges_add_up",
                condition=Q(
                    rated_amount=F("pool_amount")
                    + F("credit_amount")
                    + F("postpaid_amount")
                    + F("debt_amount"),
                    billed_seconds=F("pool_seconds")
                    + F("credit_seconds")
                    + F("postpaid_seconds")
                    + F("debt_seconds"),
                ),
            ),
            models.CheckConstraint(
                name="charge_parts_not_negative",
                condition=Q(
                    pool_amount__gte=0,
                    credit_amount__gte=0,
                    postpaid_amount__gte=0,
                    debt_amount__gte=0,
                    pool_seconds__gte=0,
                    credit_seconds__gte=0,
                    postpaid_seconds__gte=0,
                    debt_seconds__gte=0,
                ),
            ),
            models.UniqueConstraint(
                fields=["organisation", "call_record", "revision"],
                name="one_charge_per_revision",
            ),
        ]

    def __str__(self) -> str:
        return f"call:{self.call_record_id}#{self.revision}"


class UsageDay(models.Model):
    """Totals of an organisation's day and kind, kept true by every settlement."""

    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        related_name="usage_days",
        db_constraint=False,
        db_index=False,
    )
    day = models.DateField()
    kind = models.CharField(max_length=25, choices=CallKind)
    currency = models.CharField(max_length=3)
    # Signed columns: a correction's difference is written as an upsert, and PostgreSQL
    # judges the proposed row before it finds the row it is to be added to.
    calls = models.IntegerField()
    seconds = models.BigIntegerField()
    amount = MicrosField(help_text=_("Rated amount, whoever paid."))
    pool_amount = MicrosField()
    postpaid_amount = MicrosField(
        default=0, db_default=0, help_text=_("What is billed after use.")
    )

    class Meta:
        ordering = ["organisation_id", "-day", "kind"]
        verbose_name = _("usage of a day")
        verbose_name_plural = _("usage by day")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["organisation", "day", "kind", "currency"],
                name="one_usage_day",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.kind}"
